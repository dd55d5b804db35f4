"""Jobs from the command line, where the provider does not answer as one would like."""

from __future__ import annotations

import signal
import threading

import pytest
from tests.cli.home import Home, ended, read_until
from tests.support.fal_server import BIG, FalServer, Reply


@pytest.fixture
def home(fal_home: Home, fal: FalServer) -> Home:
    """A home whose provider is the scripted server, with two jobs that are still running there."""
    fal.script("status", Reply(body={"status": "IN_PROGRESS"}))
    for prompt in ("x", "y"):
        assert fal_home.run("generate", prompt, "-m", "a/b", "-p", "demo", "--detach").code == 0
    return fal_home


def ids(home: Home) -> list[str]:
    return [job["id"] for job in home.run("jobs", "--json").document["jobs"]]


def test_asking_to_stop_again_says_that_it_was_asked(home: Home, fal: FalServer) -> None:
    first, second = ids(home)
    assert home.run("jobs", "cancel", first).code == 0
    fal.script("cancel", Reply(400, {"status": "ALREADY_COMPLETED"}))
    again = home.run("jobs", "cancel", first)
    assert (again.code, "was asked to stop before" in again.out) == (0, True), again.out
    assert "jobs resume" in again.err
    late = home.run("jobs", "cancel", second, "--json")
    assert (late.code, late.document["cancelled"]) == (1, [])


def test_one_job_that_cannot_be_asked_keeps_nobody_from_asking_for_the_next(home: Home, fal: FalServer) -> None:
    first, second = ids(home)
    fal.script("cancel", Reply(401, {"detail": "no"}), Reply(202, {"status": "CANCELLATION_REQUESTED"}))
    done = home.run("jobs", "cancel", first, second)
    assert done.code == 1
    assert f"{first}  not stopped: no" in done.out
    assert f"{second}  asked to stop" in done.out


def test_both_marks_are_told(home: Home, fal: FalServer) -> None:
    fal.script("status", None)
    assert home.run("jobs", "resume").code == 0
    (item, *_) = [item["id"] for item in home.run("list", "--json").document["items"]]
    done = home.run("rate", item, "--stars", "4", "--favourite", "--json")
    assert done.document["changed"] == 1
    assert "favourite" in done.document["done"]
    assert "rat" in done.document["done"].lower()
    assert home.run("tag", item, "--add", "").code == 2


def test_an_interrupted_save_says_what_is_kept_and_goes_on(home: Home, fal: FalServer) -> None:
    fal.script("status", None)
    never = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers={"Content-Type": "image/png"}, hold_body=(10, never))
    process = home.start("jobs", "resume")
    fal.wait_for("file")
    process.send_signal(signal.SIGINT)
    assert ended(process).code == 130
    begun = fal.count("file")
    process = home.start("retry", "--all", "--json")
    read_until(process, lambda line: line == "saving 2 items\n")
    fal.wait_for("file", begun + 1)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    never.set()
    del fal.on["file"]
    assert (stopped.code, stopped.document["error"]["code"]) == (130, 130)
    assert "what has arrived is kept" in stopped.document["error"]["message"]
    assert "retry --all" in stopped.document["error"]["hint"]
    done = home.run("jobs", "resume")
    assert done.code == 0, done.err
    assert {item["save_state"] for item in home.run("list", "--json").document["items"]} == {"saved"}
    assert fal.count("submit") == 2


def test_while_the_provider_cannot_be_asked_that_is_said(home: Home, fal: FalServer) -> None:
    fal.script("status", Reply(503))
    process = home.start("jobs", "resume")
    read_until(process, lambda line: "503" in line)
    fal.script("status", None)
    done = ended(process)
    assert (done.code, done.err.count(" saved ")) == (0, 2), done.err


def test_a_project_deleted_meanwhile_is_no_success(home: Home, fal: FalServer) -> None:
    process = home.start("generate", "z", "-m", "a/b", "-p", "other")
    read_until(process, lambda line: "running" in line)
    assert home.run("projects", "delete", "other").code == 0
    done = ended(process)
    assert (done.code, "mediatui projects restore other" in done.err) == (1, True), done.err
    assert home.run("projects", "restore", "other").code == 0
    fal.script("status", None)
    assert home.run("jobs", "resume").code == 0
    assert fal.count("submit") == 3


def test_a_service_that_repeats_the_key_does_not_spread_it(home: Home, fal: FalServer) -> None:
    secret = "a-secret-that-nobody-may-see"
    entry = {"endpoint_id": f"m/{secret}", "metadata": {"display_name": secret, "description": f"Key id:{secret}"}}
    fal.script("catalogue", Reply(body={"models": [entry]}))
    listed = home.run("models", "--json", FAL_KEY=f"id:{secret}")
    assert (listed.code, len(listed.document["models"])) == (0, 1), listed.err
    assert secret not in listed.out + listed.err
    assert [path for path in home.root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
