"""``mediatui logs``: the way of one item, of one job, and what happens now."""

from __future__ import annotations

import json
import signal

import pytest
from tests.cli.home import Home

STEPS = ["generate", "submit", "poll", "result", "download", "save", "index"]


@pytest.fixture
def made(home: Home) -> tuple[Home, str, str]:
    done = home.run("generate", "a boat", "-m", "sandbox/text-to-image", "--sandbox", "--json")
    document = done.document
    return home, document["jobs"][0]["id"], document["items"][0]["id"]


def test_an_item_is_followed_through_every_step(made: tuple[Home, str, str]) -> None:
    home, job, item = made
    steps = home.run("logs", "--item", item, "--json").document["steps"]
    assert {step["step"] for step in steps} == set(STEPS)
    assert {step["job"] for step in steps} == {job}
    names = [step["step"] for step in steps if step["step"] != "index"]
    assert list(dict.fromkeys(names)) == ["generate", "submit", "poll", "result", "download", "save"]
    assert [s["outcome"] for s in steps if s["step"] == "index" and s.get("item") == item] == [
        "unsaved",
        "saving",
        "saved",
    ]
    home.run("generate", "another", "-m", "sandbox/text-to-image", "--sandbox")
    assert home.run("logs", "--item", item, "--json").document["steps"] == steps
    assert home.run("logs", "--item", item[-6:], "--json").document["steps"] == steps
    assert len(home.run("logs", "--json").document["steps"]) > len(steps)
    assert len(home.run("logs", "--json", "--last", "2").document["steps"]) == 2
    text = home.run("logs", "--job", job).out
    assert f"saved      {item}" in text
    assert len(text.splitlines()) == len(steps)


def test_nothing_logged_is_said(home: Home) -> None:
    done = home.run("logs")
    assert (done.code, done.out) == (0, "")
    assert "no steps are logged" in done.err
    home.run("projects", "new", "demo")
    assert "no steps are logged for that" in home.run("logs", "-p", "demo").err
    assert home.run("logs", "--item", "nobody").code == 2, "neither the library nor the log knows it"


def test_following_shows_what_other_processes_do(home: Home) -> None:
    watching = home.start("logs", "--follow", "--json")
    assert watching.stdout is not None
    try:
        home.run("generate", "a boat", "-m", "sandbox/text-to-image", "--sandbox")
        seen = []
        for line in watching.stdout:
            seen.append(json.loads(line))
            if (seen[-1]["step"], seen[-1]["outcome"]) == ("save", "saved"):
                break
        assert {step["step"] for step in seen} == set(STEPS)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
    finally:
        watching.kill()
        watching.communicate()
