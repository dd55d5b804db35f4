"""Jobs whose mediatui was killed, as commands show them that only look."""

from __future__ import annotations

import threading

from tests.cli.home import Home
from tests.support.fal_server import FalServer, Reply


def test_a_request_that_nobody_sends_any_more_is_unknown(fal_home: Home, fal: FalServer) -> None:
    answered = threading.Event()
    fal.script("submit", Reply(body=fal.handle(), hold=answered))
    process = fal_home.start("generate", "x", "-m", "a/b", "-p", "demo")
    fal.wait_for("submit")
    (sending,) = fal_home.run("jobs", "--json").document["jobs"]
    process.kill()
    process.communicate()
    answered.set()
    (left,) = fal_home.run("jobs", "--json").document["jobs"]
    assert (sending["phase"], left["phase"]) == ("submitting", "unknown")
    assert "may have been accepted and billed" in left["error"]["message"]
    assert "never sent again" in fal_home.run("jobs", "show", left["id"]).out
    assert fal.count("submit") == 1
