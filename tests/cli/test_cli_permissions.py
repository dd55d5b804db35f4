"""Folders that may not be looked into: what can be read is shown, what cannot is named, nothing breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import Home
from tests.support.disks import obey_permissions

IMAGE = ("generate", "a fox", "-m", "sandbox/text-to-image", "-p", "Den", "image_size=square", "--json")


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    """A home with an item in the project “Den”, and an empty project “Away”."""
    home = Home(tmp_path_factory.mktemp("home"), obey_permissions)
    (item,) = home.run(*IMAGE).document["items"]
    assert home.run("projects", "new", "Away").code == 0
    return home, item


@pytest.mark.parametrize("state", ["state", "state/mediatui"])
@pytest.mark.parametrize(
    "command", ["list", "jobs", "usage", "check", "logs", "doctor", "trash --list", "path item {}"]
)
def test_a_state_folder_of_somebody_else(made: tuple[Home, dict[str, Any]], command: str, state: str) -> None:
    home, item = made
    with mode(home.root / state, 0):
        done = home.run(*command.format(item["id"]).split())
    assert done.code == (1 if command == "doctor" else 0), done.err
    assert "should not have happened" not in done.err


def test_a_place_below_a_folder_that_may_not_be_entered(made: tuple[Home, dict[str, Any]], tmp_path: Path) -> None:
    home, _ = made
    with mode(tmp_path, 0):
        done = home.run("list", "--data-dir", str(tmp_path / "below"), "--json")
        configured = home.run("list", "--config", str(tmp_path / "config.toml"), "--json")
    for each in (done, configured):
        assert "should not have happened" not in each.err
        assert "Traceback" not in each.err
    assert (done.code, "Permission denied" in done.document["error"]["message"]) == (1, True)


@pytest.mark.parametrize("what", ["folder", "index"])
@pytest.mark.parametrize(
    "command",
    [
        "list", "list -p DEN", "jobs -p DEN", "tag {} --add tree", "rename {} Fox", "show {}",
        "retry --all", "save --all", "usage", "duplicates", "clean parts", "trash --list", "jobs resume",
        "export den --plan", "logs --item {}", "projects",
    ],
)  # fmt: skip
def test_a_project_that_cannot_be_read_is_named_and_keeps_no_other_from_being_used(
    made: tuple[Home, dict[str, Any]], command: str, what: str
) -> None:
    home, item = made
    away = home.projects / "away"
    with mode(away if what == "folder" else away / "index.jsonl", 0):
        done = home.run(*command.format(item["id"]).split())
    assert done.code == 0, done.err
    if "-p" not in command and not command.startswith("export"):
        assert "away" in done.err + done.out


@pytest.mark.parametrize("bits", [0o400, 0o600])
def test_an_index_that_is_a_pipe_is_not_waited_for(made: tuple[Home, dict[str, Any]], bits: int) -> None:
    home, item = made
    index = home.projects / "away" / "index.jsonl"
    kept = index.rename(index.with_name("kept"))
    os.mkfifo(index, bits)
    try:
        done = home.run("list", "--json")
    finally:
        kept.replace(index)
    assert [each["id"] for each in done.document["items"]] == [item["id"]]
    assert [each["project"] for each in done.document["unreadable"]] == ["away"]


def test_the_name_of_a_project_that_cannot_be_read_is_not_given_to_another(made: tuple[Home, dict[str, Any]]) -> None:
    home, _ = made
    with mode(home.projects / "away", 0):
        done = home.run(*IMAGE, "-p", "Away")
        other = home.run("projects", "new", "A way")
    assert (done.code, "Permission denied" in done.err) == (1, True)
    assert other.code == 0
    assert sorted(path.name for path in home.projects.iterdir()) == ["a-way", "away", "den"]


def test_an_item_may_be_in_a_project_that_cannot_be_read(made: tuple[Home, dict[str, Any]]) -> None:
    home, item = made
    with mode(home.projects / "den", 0):
        for command in ("show {}", "tag {} --add tree", "save {}", "path item {}"):
            done = home.run(*command.format(item["id"]).split())
            assert (done.code, "project den" in done.err) == (2, True), done.err
