"""Moves all items of two projects to and fro until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.organise.conftest import places

from mediatui.library.library import Library
from mediatui.library.transfer import move_items


def main(root: Path) -> None:
    library = Library(places(root))
    one, two = library.open("one"), library.open("two")
    print("ready", flush=True)
    while True:
        for source, target in ((one, two), (two, one)):
            for item in source.items():
                if target.find_item(item.id) is None:
                    move_items(source, target, [item.id])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
