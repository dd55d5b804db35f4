"""Moves items to and fro until it is killed: one by one or all at once, between projects or in and out of the trash."""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

from tests.organise.conftest import places

from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.transfer import move_items
from mediatui.library.trash import restore_items, trash_entries, trash_items


def one_by_one(one: ProjectFolder, two: ProjectFolder) -> None:
    """Move each item by itself."""
    for item in one.items():
        if two.find_item(item.id) is None:
            move_items(one, two, [item.id])


def all_at_once(one: ProjectFolder, two: ProjectFolder) -> None:
    """Move what is only here with one call."""
    ids = [item.id for item in one.items() if two.find_item(item.id) is None]
    if ids:
        move_items(one, two, ids)


def into_the_trash(one: ProjectFolder, two: ProjectFolder) -> None:
    """Put everything into the trash and bring it back."""
    if ids := [item.id for item in one.items()]:
        trash_items(one, ids)
    for entry in trash_entries(one):
        restore_items(one, entry.id)


VERBS = {verb.__name__: verb for verb in (one_by_one, all_at_once, into_the_trash)}


def main(root: Path, verb: str) -> None:
    """Say when it starts, and never stop."""
    library = Library(places(root))
    one, two = library.open("one"), library.open("two")
    print("ready", flush=True)
    for source, target in cycle(((one, two), (two, one))):
        VERBS[verb](source, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
