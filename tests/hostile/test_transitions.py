"""Random events through the real studio: only allowed steps are ever written, and each job is sent once."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.fal_server import PNG, Call, FalServer, Reply, fal_server, ranged
from tests.support.scenes import places, settings_for
from tests.support.workshop import QUICK

from mediatui.errors import MediatuiError
from mediatui.model import PHASE_STEPS, SAVE_STEPS, Phase, SavePolicy, SaveState
from mediatui.settings import Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio

SECONDS = 30.0
REPLIES: dict[str, dict[str, Reply | None]] = {
    "submit": {
        "accepted": None,
        "no answer": Reply(drop=True),
        "key": Reply(401, {"detail": "no"}),
        "invalid": Reply(422, {"detail": "no"}),
        "later": Reply(429, {}, {"Retry-After": "0"}),
        "broken": Reply(500),
        "nonsense": Reply(body=b"<html>"),
    },
    "status": {
        "queued": Reply(body={"status": "IN_QUEUE", "queue_position": 1}),
        "running": Reply(body={"status": "IN_PROGRESS"}),
        "odd": Reply(body={"status": "HIBERNATING"}),
        "failed": Reply(body={"status": "COMPLETED", "error": "it broke", "error_type": "runner_error"}),
        "gone": Reply(404),
        "down": Reply(503),
        "done": None,
    },
    "result": {
        "there": None,
        "late": Reply(504),
        "failed": Reply(422, {"detail": [{"msg": "bad", "type": "value_error"}]}),
        "gone": Reply(404),
        "empty": Reply(body={"text": "nothing"}),
    },
    "file": {
        "there": None,
        "gone": Reply(404),
        "refused": Reply(403),
        "page": Reply(body=b"<html></html>", headers={"Content-Type": "text/html"}),
        "cut": Reply(body=PNG, cut=10, headers={"Content-Type": "image/png"}),
        "down": Reply(503),
    },
    "cancel": {
        "asked": None,
        "late": Reply(400, {"status": "ALREADY_COMPLETED"}),
        "unknown": Reply(404),
    },
    "history": {"none": None},
}
ACTIONS = (
    *("generate", "generate", "wait", "wait", "recheck", "cancel", "retry", "restart"),
    *("delete file", "refresh", "trash", "dismiss", "full"),
)
SCRIPTS = st.one_of(
    *(st.tuples(st.just(step), st.lists(st.sampled_from([*how]), max_size=4)) for step, how in REPLIES.items())
)
Event = tuple[str, tuple[str, list[str]]]
EVENTS = st.tuples(st.sampled_from(ACTIONS), SCRIPTS)
"""Something is done, and one step of the service answers so the next times it is asked."""


class World:
    """A studio on a folder, a scripted server, and everything that can happen to them."""

    def __init__(self, root: Path, server: FalServer, policy: SavePolicy) -> None:
        self.root, self.server, self.policy = root, server, policy
        self.left: dict[str, list[str]] = {}
        self.refused = 0
        self.made = 0
        for step in REPLIES:
            server.on[step] = self._answer_for(step)
        self.studio = self._start()

    def _answer_for(self, step: str) -> Callable[[Call], Reply]:
        def answer(call: Call) -> Reply:
            left = self.left.get(step) or []
            how = left.pop(0) if left else None
            reply = REPLIES[step][how] if how else None
            if how == "later":
                self.refused += 1
            good = ranged(call, PNG) if step == "file" else self.server.good(call)
            return reply if reply is not None else good

        return answer

    def _start(self) -> Studio:
        chosen: Settings = settings_for("fal", self.server.url, self.root)
        quick = Settings(poll_seconds=0.005, providers=chosen.providers, save_policy=self.policy)
        studio = Studio(quick, places(self.root), QUICK)
        studio.start()
        for project in studio.projects().result(SECONDS):
            studio.open_project(project.id).result(SECONDS)
        return studio

    def happen(self, action: str, script: tuple[str, Sequence[str]] = ("history", ())) -> None:
        """One event."""
        step, how = script
        self.left[step] = list(how)
        with suppress(MediatuiError):
            getattr(self, f"_{action.replace(' ', '_')}")()

    @property
    def _jobs(self) -> list[str]:
        return [job.id for job in self.studio.jobs()]

    @property
    def _items(self) -> list[str]:
        return [item.id for item in self.studio.items("demo")]

    def _generate(self) -> None:
        self.made += 1
        self.studio.generate(GenerateRequest(f"number {self.made}", ("fal-ai/test",), "demo")).result(SECONDS)

    def _wait(self) -> None:
        self.studio.wait(self._jobs).result(SECONDS)

    def _recheck(self) -> None:
        self.studio.recheck(self._jobs).result(SECONDS)

    def _cancel(self) -> None:
        for job in self._jobs:
            self.studio.cancel(job).result(SECONDS)

    def _retry(self) -> None:
        self.studio.save(self._items).result(SECONDS)

    def _delete_file(self) -> None:
        for path in (places(self.root).projects / "demo" / "images").glob("*.png"):
            path.unlink()

    def _refresh(self) -> None:
        self.studio.refresh("demo").result(SECONDS)

    def _trash(self) -> None:
        for entry in self.studio.trash(self._items[:1]).result(SECONDS):
            self.studio.restore("demo", entry.id).result(SECONDS)

    def _dismiss(self) -> None:
        self.studio.dismiss(self._jobs[:1]).result(SECONDS)

    def _full(self) -> None:
        """The folder for pictures refuses them."""
        folder = places(self.root).projects / "demo" / "images"
        if folder.parent.is_dir() and not folder.exists():
            folder.write_bytes(b"in the way")
        elif folder.is_file():
            folder.unlink()

    def _restart(self) -> None:
        self.studio.stop(0.0)
        self.studio = self._start()

    def end(self) -> None:
        """Everything settles."""
        self.left.clear()
        folder = places(self.root).projects / "demo" / "images"
        if folder.is_file():
            folder.unlink()
        self._restart()
        self._wait()
        self.studio.stop(5.0)


def written(root: Path) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """Table, key and document of every change in the order it was committed; None for what went."""
    path = places(root).projects / "demo" / "index.jsonl"
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        for table, change in json.loads(line).get("tables", {}).items():
            yield from ((table, key, doc) for key, doc in change.get("put", {}).items())
            yield from ((table, key, None) for key in change.get("del", ()))


def check_steps(root: Path) -> Counter[str]:
    """No line of the journal takes a job or an item where it must not go."""
    taken: Counter[str] = Counter()
    now: dict[tuple[str, str], str] = {}
    for table, key, doc in written(root):
        field = {"jobs": "phase", "items": "save_state"}.get(table)
        if field is None:
            continue
        if doc is None:
            now.pop((table, key), None)
            continue
        before, after = now.get((table, key)), doc[field]
        now[table, key] = after
        if before is None or before == after:
            continue
        allowed = PHASE_STEPS[Phase(before)] if table == "jobs" else SAVE_STEPS[SaveState(before)]
        assert after in allowed, (table, key, before, after)
        taken[f"{before} → {after}"] += 1
    return taken


@contextmanager
def world(policy: SavePolicy) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder, fal_server() as server:
        made = World(Path(folder), server, policy)
        try:
            yield made
        finally:
            made.studio.stop(2.0)


def check(made: World) -> Counter[str]:
    """After all: the steps were allowed, and nothing was sent twice."""
    made.end()
    sent = Counter(str(call.json["prompt"]) for call in made.server.submits)
    assert sum(sent.values()) - made.refused <= made.made, sent
    if not made.refused:
        assert max(sent.values(), default=0) <= 1, sent
    return check_steps(made.root)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EVENTS, min_size=3, max_size=14), st.sampled_from([SavePolicy.AUTOMATIC, SavePolicy.ON_DEMAND]))
def test_only_allowed_steps_are_written(events: list[Event], policy: SavePolicy) -> None:
    with world(policy) as made:
        for event in events:
            made.happen(*event)
        check(made)


STORIES: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "plain": [],
    "vanished, saved again unseen": [
        ("generate", "submit", ()),
        ("wait", "status", ()),
        ("delete file", "status", ()),
        ("retry", "file", ()),
    ],
    "lost": [("generate", "submit", ("no answer",)), ("restart", "status", ()), ("recheck", "status", ())],
    "failed, asked again": [("generate", "status", ("failed",)), ("wait", "status", ()), ("recheck", "status", ())],
    "cancelled too late": [("generate", "status", ("running", "running")), ("cancel", "cancel", ("late",))],
    "not saved, then saved": [
        ("generate", "file", ("page", "gone", "gone")),
        ("wait", "result", ()),
        ("retry", "file", ()),
    ],
    "gone and back": [(act, "cancel", ()) for act in ("generate", "wait", "delete file", "refresh", "retry", "trash")],
    "no room": [(act, "cancel", ()) for act in ("full", "generate", "wait", "full", "retry", "full", "retry")],
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(name: str) -> None:
    with world(SavePolicy.AUTOMATIC) as made:
        for action, step, replies in STORIES[name]:
            made.happen(action, (step, replies))
        made.happen("generate")
        made.happen("wait")
        taken = check(made)
    assert taken["saving → saved"] >= 1
    assert taken["submitting → queued"] >= 1
