"""A prompt of a megabyte: it is sent whole, and lists, filters and screens stay as quick as without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.app_killing import Desk
from tests.support.fal_server import FalServer, fal_server
from tests.support.hostile import nothing_raw
from tests.support.terminal import Terminal
from tests.support.workshop import open_studio

from mediatui.model import Phase, SaveState

LONG = ("a lighthouse at dusk, " * 50_000)[: 1 << 20]
"""A step over it takes a moment; whatever grows with its square outlasts the patience of `Terminal` and `Desk`."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with three such prompts, made through the studio."""
    desk = Desk(tmp_path)
    with fal_server() as server:
        shop = open_studio(tmp_path, server)
        shop.studio.create_project("demo").result(20)
        for number in range(3):
            shop.make(prompt=f"{number} {LONG}")
        assert [item.save_state for item in shop.items()] == [SaveState.SAVED] * 3
        assert all(len(call.json["prompt"]) >= 1 << 20 for call in server.submits)
        shop.studio.stop(5)
    return desk


def test_it_is_sent_stored_and_found_whole(tmp_path: Path) -> None:
    with fal_server() as server:
        shop = open_studio(tmp_path, server)
        (job,), (item,) = shop.make(prompt=LONG)
        assert (job.phase, job.prompt, item.prompt) == (Phase.SUCCEEDED, LONG, LONG)
        assert _sent(server) == LONG
        shop.studio.stop(5)


def _sent(server: FalServer) -> str:
    prompt: str = server.submits[0].json["prompt"]
    return prompt


def test_the_interface_stays_usable(desk: Desk) -> None:
    with Terminal([], desk.environment, size=(120, 40)) as terminal:
        terminal.shows("3 items")
        for keys, word in (
            ("j", "lighthouse"),
            ("/", "lighthouse"),
            ("dusk\r", "3 of 3"),
            ("\x1b", "3 items"),
            ("i", "lighthouse"),
            ("\t", '"prompt"'),
            ("G", '"extra"'),
            ("\x1b", "3 items"),
            ("t", "lighthouse"),
            ("\x1b", "3 items"),
            ("f", "lighthouse"),
            ("\x1b", "3 items"),
        ):
            terminal.send(keys)
            terminal.shows(word)
            terminal.quiet()
        nothing_raw(terminal.output)


def test_the_commands_stay_usable(desk: Desk) -> None:
    found = desk.command("list")
    assert [len(item["prompt"]) for item in found["items"]] == [len(LONG) + 2] * 3
    assert len(desk.command("list", "--filter", "lighthouse dusk")["items"]) == 3
    assert len(json.dumps(desk.command("jobs", "list"))) > 3 << 20
