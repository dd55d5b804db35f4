"""Saving from the command line: hosts that nobody has allowed, what is kept by address, files nobody knows."""

from __future__ import annotations

import base64
import os
import shutil
import threading
from pathlib import Path

import pytest
from tests.cli.home import Home, ended
from tests.support.disks import tmpfs
from tests.support.fal_server import BIG, PNG, Call, FalServer, Reply, fal_server
from tests.support.openai_server import OpenAIServer


@pytest.fixture
def home(fal_home: Home) -> Home:
    """A home whose provider is the scripted server."""
    return fal_home


def test_an_unknown_host_is_a_clear_error_and_can_be_allowed(home: Home, fal: FalServer) -> None:
    with fal_server() as other:
        fal.script("result", Reply(body={"images": [{"url": f"{other.url}/files/a.png"}]}))
        made = home.run("generate", "x", "-m", "a/b", "-p", "demo")
        assert made.code == 3
        fal.script("result", Reply(body={"images": [{"url": "https://media.example.invalid/a.png"}]}))
        asked = home.run("generate", "x", "-m", "a/b", "-p", "demo")
        assert asked.code == 3
        assert "--allow-host media.example.invalid" in asked.err
        assert "this host is not on the provider's list" in asked.err
        (item,) = made_items(home, other.url)
        saved = home.run("retry", item, "--allow-host", other.netloc, "--json")
        assert saved.code == 0, saved.err
        assert saved.document["saved"] == [item]
        assert home.run("retry", item, "--allow-host", "https://x").code == 2
    assert fal.count("submit") == 2


def made_items(home: Home, url: str) -> list[str]:
    listed = home.run("list", "--json").document["items"]
    return [item["id"] for item in listed if (item["url"] or "").startswith(url)]


@pytest.mark.parametrize("later", [False, True], ids=["at once", "on demand"])
def test_a_remark_names_the_file_that_it_is_about(home: Home, fal: FalServer, later: bool) -> None:
    cut = [{"url": "data:image/png;base64," + base64.b64encode(data).decode()} for data in (PNG, BIG[:300_000])]
    fal.script("result", Reply(body={"images": cut}))
    policy = "on-demand" if later else "automatic"
    done = home.run("generate", "x", "-m", "a/b", "-p", "demo", "--save-policy", policy)
    if later:
        assert "ends before its own end" not in done.err
        done = home.run("save", "--all")
    assert done.code == 0, done.err
    (item,) = [item for item in home.run("list", "--json").document["items"] if item["id"].endswith("-1")]
    (told,) = [line for line in done.err.splitlines() if "ends before its own end" in line]
    assert told.split()[:2] == [item["path"].rpartition("/")[2], f"({item['id']}):"]


def test_only_what_is_kept_by_address_is_saved(home: Home, fal: FalServer) -> None:
    assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--no-save").code == 0
    assert home.run("generate", "y", "-m", "a/b", "-p", "demo", "--save-policy", "on-demand").code == 0
    done = home.run("save", "--all", "--url-only", "--json")
    assert len(done.document["saved"]) == 1
    states = [item["save_state"] for item in home.run("list", "--json").document["items"]]
    assert sorted(states) == ["saved", "unsaved"]
    assert home.run("save", "--url-only", "abc").code == 2


def test_files_nobody_knows_are_adopted(home: Home, fal: FalServer) -> None:
    home.run("generate", "x", "-m", "a/b", "-p", "demo")
    (home.projects / "demo" / "images" / "found.png").write_bytes(BIG)
    plan = home.run("adopt", "demo", "--plan", "--json").document
    assert [path.rpartition("/")[2] for path in plan["orphans"]] == ["found.png"]
    done = home.run("adopt", "demo", "--json")
    assert [each["path"] for each in done.document["adopted"]] == ["images/found.png"]
    assert home.run("adopt", "demo", "--json").document["adopted"] == []


def test_an_unknown_job_is_given_up_by_name_only(home: Home, fal: FalServer) -> None:
    fal.script("submit", Reply(drop=True))
    home.run("generate", "x", "-m", "a/b", "-p", "demo", "--detach")
    (job,) = home.run("jobs", "--json").document["jobs"]
    assert job["phase"] == "unknown"
    assert home.run("jobs", "dismiss", job["id"]).code == 1
    assert home.run("jobs", "dismiss", "--unknown", "--all").code == 2
    assert home.run("jobs", "dismiss", "--unknown", job["id"]).code == 0
    assert home.run("jobs", "--json").document["jobs"] == []
    assert fal.count("submit") == 1


def test_an_export_may_fetch_from_a_host_that_is_allowed_for_it(home: Home, fal: FalServer) -> None:
    with fal_server() as other:
        fal.script("result", Reply(body={"images": [{"url": f"{other.url}/files/a.png"}]}))
        assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--no-save").code == 0
        refused = home.run("export", "demo", "-o", "refused.zip", "--json")
        assert (refused.code, other.calls) == (3, [])
        assert "it is not an https address" in refused.document["missing"][0]["reason"]
        done = home.run("export", "demo", "-o", "done.zip", "--json", "--allow-host", other.netloc)
        assert (done.code, done.document["files"], other.count("file")) == (0, 1, 1), done.err
        assert home.run("export", "demo", "-o", "bad.zip", "--allow-host", "https://x/").code == 2
        assert not list(home.root.rglob("bad.zip"))
    assert fal.count("submit") == 1


def test_an_export_says_how_to_allow_a_host(home: Home, fal: FalServer) -> None:
    fal.script("result", Reply(body={"images": [{"url": "https://media.example.invalid/a.png"}]}))
    assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--no-save").code == 0
    refused = home.run("export", "demo", "-o", "refused.zip")
    assert refused.code == 3
    assert "mediatui export demo --allow-host media.example.invalid" in refused.err


def test_resuming_saves_from_a_host_that_is_allowed_for_it(home: Home, fal: FalServer) -> None:
    with fal_server() as other:
        fal.script("result", Reply(body={"images": [{"url": f"{other.url}/files/a.png"}]}))
        assert home.run("generate", "x", "-m", "a/b", "-p", "demo").code == 3
        assert home.run("jobs", "resume", "--allow-host", "https://x").code == 2
        again = home.run("jobs", "resume", "--json")
        assert (again.code, other.calls) == (3, [])
        done = home.run("jobs", "resume", "--json", "--allow-host", other.netloc)
        assert (done.code, other.count("file")) == (0, 1), done.err
        assert [item["save_state"] for item in done.document["items"]] == ["saved"]
    assert fal.count("submit") == 1


def test_a_provider_that_cannot_stop_a_job_is_said_so(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with OpenAIServer() as server:
        server.script("poll", Reply(body=server.video("in_progress")))
        home.configure(f'[providers.openai]\nkey = "sk-test"\nbase_url = "{server.base}"\n')
        sent = home.run("generate", "x", "-m", "openai:sora-2", "-p", "demo", "--detach")
        (job,) = sent.out.split()
        cancelled = home.run("jobs", "cancel", job)
        assert cancelled.code == 1
        assert "openai cannot be asked to stop a job: it goes on to its end" in cancelled.out
        assert len(server.submits) == 1


def test_several_jobs_of_one_model_are_told_apart(home: Home, fal: FalServer) -> None:
    jobs = [home.run("generate", p, "-m", "a/b", "-p", "demo", "--detach").out.strip() for p in ("x", "y")]
    done = home.run("jobs", "resume")
    assert done.code == 0, done.err
    for job in jobs:
        assert f"a/b {job} saved" in done.err
    alone = home.run("generate", "z", "-m", "a/b", "-p", "demo")
    assert "a/b saved" in alone.err


def test_what_another_window_saves_is_not_on_disk_yet(home: Home, fal: FalServer) -> None:
    assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--no-save").code == 0
    gate = threading.Event()
    fal.script("file", Reply(body=PNG, headers={"Content-Type": "image/png"}, hold=gate))
    first = home.start("save", "--all", "--json")
    fal.wait_for("file")
    second = home.run("save", "--all", "--json")
    gate.set()
    assert (second.code, len(second.document["elsewhere"])) == (3, 1)
    assert ended(first).code == 0
    assert home.run("save", "--all", "--json").code == 0
    assert fal.count("file") == 1


def test_what_is_not_kept_is_said(home: Home, fal: FalServer) -> None:
    home.configure(home.config.read_text("utf-8") + "\n[save]\nkeep_unsaved = false\n")
    fal.script("file", Reply(404))
    done = home.run("generate", "x", "-m", "a/b", "-p", "demo", "--json")
    assert (done.code, done.document["items"]) == (3, [])
    assert "save.keep_unsaved is off" in done.err
    (entry,) = home.run("trash", "--list", "--json").document["entries"]
    assert home.run("trash", "--restore", entry["id"]).code == 0
    fal.script("file", None)
    assert home.run("retry", "--all").code == 0
    assert fal.count("submit") == 1


def test_why_an_answer_is_not_unpacked_is_said(home: Home, fal: FalServer) -> None:
    """There is room for the raw answer, and then none for the file that came in it."""
    home.projects.mkdir(parents=True)
    with tmpfs(home.projects, "size=4m"):
        inline = "data:image/png;base64," + base64.b64encode(BIG).decode()

        def answer(call: Call) -> Reply:
            found = os.statvfs(home.projects)
            (home.projects / "ballast").write_bytes(bytes(found.f_bavail * found.f_frsize - (len(inline) + 100_000)))
            return Reply(body={"images": [{"url": inline}]})

        fal.on["result"] = answer
        done = home.run("generate", "x", "-m", "a/b", "-p", "demo", "--json")
        (job,) = done.document["jobs"]
        assert (done.code, job["phase"], done.document["items"]) == (1, "running", [])
        assert job["error"]["message"].endswith(".spool: No space left on device")
        assert "Once the disk takes it the job goes on by itself" in done.err
        (home.projects / "ballast").unlink()
        again = home.run("jobs", "resume", "--json")
        assert (again.code, [item["save_state"] for item in again.document["items"]]) == (0, ["saved"])
    assert fal.count("submit") == 1


def test_a_copied_project_has_its_own_files(home: Home, fal: FalServer) -> None:
    """Its items have the identifiers of those that they were copied from."""
    assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--no-save").code == 0
    shutil.copytree(home.projects / "demo", home.projects / "copy")
    done = home.run("save", "--all", "-p", "copy", "--json")
    assert (done.code, [item["project"] for item in done.document["items"]]) == (0, ["copy"]), done.err
    assert Path(done.document["items"][0]["file"]).is_relative_to(home.projects / "copy")
    rest = home.run("save", "--all", "--json").document
    assert [item["project"] for item in rest["items"]] == ["demo"]
    assert {item["save_state"] for item in home.run("list", "--json").document["items"]} == {"saved"}
    assert fal.count("submit") == 1


def test_bytes_that_came_inline_are_unpacked_once_more(home: Home, fal: FalServer) -> None:
    inline = [{"url": "data:image/png;base64," + base64.b64encode(data).decode()} for data in (PNG, BIG)]
    fal.script("result", Reply(body={"images": inline}))
    assert home.run("generate", "x", "-m", "a/b", "-p", "demo", "--save-policy", "on-demand").code == 0
    shutil.rmtree(home.projects / "demo" / "parts")
    checked = home.run("check", "-p", "demo")
    assert (checked.code, "looks for them in the stored answer" in checked.out) == (1, True)
    done = home.run("retry", "--all", "--json")
    assert (done.code, len(done.document["saved"])) == (0, 2), done.err
    files = {Path(item["file"]).read_bytes() for item in done.document["items"]}
    assert files == {PNG, BIG}
    assert fal.count("submit") == fal.count("result") == 1


def test_a_log_gets_one_line_for_each_item_when_its_save_has_ended(home: Home, fal: FalServer) -> None:
    fal.outputs = [f"/files/{number}.png" for number in range(3)]
    assert home.run("generate", "a", "-m", "fal-ai/test", "-p", "p", "--save-policy", "on-demand").code == 0
    fal.files = {f"/files/{number}.png": PNG for number in (0, 2)}
    for ends in (3, 1):
        done = home.run("save", "--all")
        told = [line for line in done.err.splitlines() if line.startswith("fal-ai/test")]
        assert (done.code, len(told)) == (3, ends), done.err
        assert all(" saved /" in line or " expired: " in line for line in told), told
    fal.files["/files/1.png"] = PNG
    done = home.run("save", "--all")
    assert (done.code, done.err.count("fal-ai/test"), " saved /" in done.err) == (0, 1, True), done.err
