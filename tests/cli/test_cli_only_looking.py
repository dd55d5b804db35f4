"""Commands that only look make nothing: no data directory, and no change to one that is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.home import Home
from tests.support.disks import obey_permissions

LOOKING = (
    "list", "jobs", "projects", "projects list --deleted", "usage", "duplicates", "trash --list",
    "clean unsaved failed-jobs missing duplicates orphans unrated parts trash", "models", "models --json", "check",
    "repair", "doctor", "logs", "auth", "config", "keys", "templates", "path", "save --all", "retry --all",
    "jobs resume", "generate x -m sandbox/text-to-image --estimate", "import pictures --plan",
)  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", LOOKING)
def test_nothing_is_made_by_looking(home: Home, command: str) -> None:
    (home.root / "pictures").mkdir()
    (home.root / "pictures" / "a.gif").write_bytes(b"GIF89a\1\0\1\0\0\0\0;")
    done = home.run(*command.split())
    assert done.code == (4 if command == "auth" else 0), done.err
    assert not (home.root / "data").exists(), names(home.root / "data")


@pytest.mark.parametrize("command", ["usage", "duplicates", "trash --list", "clean parts"])
def test_a_place_where_nothing_can_be_made_is_looked_at_all_the_same(home: Home, command: str) -> None:
    (home.root / "data").mkdir(0o500)
    done = replace(home, before=obey_permissions).run(*command.split())
    assert done.code == 0
    assert "Permission denied" not in done.err
