"""Changes of items from many threads: each is durable when it returns, and those that wait share a commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.waiting import spin_until

from mediatui.errors import UsageError
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.locations import find_locations
from mediatui.model import MediaItem, MediaType
from mediatui.studio.records import Records

Change = Callable[[MediaItem], MediaItem | None]
COUNT = 5


class Desk:
    """Records over one project, and threads that write to it."""

    def __init__(self, root: Path) -> None:
        self.library = Library(find_locations(root / "data", root / "config.toml"))
        self.project: ProjectFolder = self.library.create("Demo")
        self.records = Records(self.library, root / "spill", lambda change: None)
        self.project.commit(items=[MediaItem(str(n), self.project.id, f"{n}.png", MediaType.IMAGE) for n in range(9)])
        self.pool = ThreadPoolExecutor(COUNT + 1)

    def edit(self, item_id: str, change: Change) -> Future[MediaItem]:
        return self.pool.submit(self.records.edit_item, self.project, item_id, change)

    def together(self, *changes: tuple[str, Change]) -> tuple[list[Future[MediaItem]], int]:
        """Have changes wait behind another one; their outcomes, and the lines the index grew by for them."""
        waiting, before = threading.Event(), 0

        def first(item: MediaItem) -> MediaItem:
            waiting.wait()
            return replace(item, notes="first")

        leader = self.edit("8", first)
        spin_until(lambda: not self.records._edits, "the first one taken up")
        found = [self.edit(item_id, change) for item_id, change in changes]
        spin_until(lambda: len(self.records._edits) == len(changes), "all of them waiting")
        before = self.lines
        waiting.set()
        leader.result(20)
        for one in found:
            one.exception(20)
        return found, self.lines - before - 1

    @property
    def lines(self) -> int:
        return len((self.project.folder / "index.jsonl").read_bytes().splitlines())

    def on_disk(self, item_id: str) -> MediaItem:
        """The item as somebody reads it who opens the project now."""
        other = Library(self.library.locations)
        try:
            return other.open(self.project.id).item(item_id)
        finally:
            other.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.pool.shutdown()
    made.library.close()


def noting(text: str) -> Change:
    return lambda item: replace(item, notes=f"{item.notes}{text}")


def test_those_that_wait_share_one_commit(desk: Desk) -> None:
    found, lines = desk.together(*((str(n), noting(f"note {n}")) for n in range(COUNT)))
    assert lines == 1
    for n, one in enumerate(found):
        assert one.result().notes == f"note {n}"
        assert desk.on_disk(str(n)).notes == f"note {n}"


def test_changes_of_one_item_follow_each_other(desk: Desk) -> None:
    desk.together(*(("3", noting("x")) for _ in range(COUNT)))
    assert desk.on_disk("3").notes == "x" * COUNT


def test_one_that_fails_takes_no_other_with_it(desk: Desk) -> None:
    def refuse(item: MediaItem) -> MediaItem:
        raise UsageError("not this one")

    found, _ = desk.together(("0", noting("a")), ("1", refuse), ("nobody", noting("b")), ("2", lambda item: None))
    assert found[0].result().notes == "a"
    assert desk.on_disk("0").notes == "a"
    for at, words in ((1, "not this one"), (2, "there is no item")):
        error = found[at].exception()
        assert isinstance(error, UsageError)
        assert words in error.message
    assert found[3].result().notes == ""
