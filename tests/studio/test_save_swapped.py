"""Files and folders that somebody moves, removes or replaces while they are saved to: nothing outside is touched."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, PNG, FalServer, Reply, ranged
from tests.support.workshop import SECONDS, Workshop

from mediatui.library.library import Library
from mediatui.library.reconcile import reconcile
from mediatui.library.trash import restore_items, trash_items
from mediatui.model import MediaItem, SaveState, StorageFault

TYPED = {"Content-Type": "image/png", "ETag": '"one"'}


class Meanwhile:
    """A save that waits for its file while something happens on the disk, and precious data beside the project."""

    def __init__(self, fal: FalServer, shop: Workshop, tmp_path: Path) -> None:
        self.fal, self.shop, self.root = fal, shop, tmp_path
        self.precious = tmp_path / "precious.txt"
        self.precious.write_text("precious")
        self._go = threading.Event()
        fal.on["file"] = lambda call: Reply(body=PNG, headers=TYPED, hold=self._go)
        (self._job,) = shop.send()
        fal.wait_for("file")

    @property
    def folder(self) -> Path:
        return self.shop.project_folder()

    @property
    def part(self) -> Path:
        return self.folder / "parts" / f"{self._job.id}-0.part"

    def ends(self) -> MediaItem:
        """The item once the file arrived; there is one item, and one request was sent."""
        self.go()
        return self.now()

    def go(self) -> None:
        self._go.set()
        list(self.shop.studio.wait([self._job.id]).result(SECONDS))

    def again(self) -> MediaItem:
        self.fal.on["file"] = lambda call: ranged(call, PNG)
        self.shop.studio.save([f"{self._job.id}-0"]).result(SECONDS)
        return self.now()

    def now(self) -> MediaItem:
        assert self.precious.read_text() == "precious"
        assert self.fal.count("submit") == 1
        (item,) = self.shop.items()
        return item


@pytest.fixture
def meanwhile(fal: FalServer, shop: Workshop, tmp_path: Path) -> Meanwhile:
    return Meanwhile(fal, shop, tmp_path)


def fault(item: MediaItem) -> StorageFault:
    assert item.storage_error is not None
    return item.storage_error


def test_a_project_that_was_moved_away_does_not_come_back(meanwhile: Meanwhile) -> None:
    away = meanwhile.root / "away"
    meanwhile.folder.rename(away)
    item = meanwhile.ends()
    assert (item.save_state, meanwhile.folder.exists()) == (SaveState.UNSAVED, False)
    assert meanwhile.again().save_state is SaveState.UNSAVED
    assert not meanwhile.folder.exists()
    away.rename(meanwhile.folder)
    assert meanwhile.again().save_state is SaveState.SAVED
    assert meanwhile.shop.media_files() == [Path(meanwhile.now().path or "").name]


def test_a_raw_answer_does_not_bring_a_project_back(fal: FalServer, shop: Workshop, tmp_path: Path) -> None:
    go = threading.Event()
    fal.on["result"] = lambda call: Reply(body=fal.on_result(call).body, hold=go)
    (job,) = shop.send()
    fal.wait_for("result")
    shop.project_folder().rename(tmp_path / "away")
    go.set()
    shop.until(lambda: shop.studio.items("demo"), "an item")
    shop.until(lambda: shop.studio.next_try(f"{job.id}-0"), "the end of the first try")
    assert not shop.project_folder().exists()
    (tmp_path / "away").rename(shop.project_folder())
    assert shop.studio.save([f"{job.id}-0"]).result(SECONDS).saved
    shop.until(lambda: (shop.project_folder() / "results" / f"{job.id}.json").exists(), "the answer")


@pytest.mark.parametrize("swap", ["gone", "link"])
def test_a_download_that_somebody_took_away(meanwhile: Meanwhile, swap: str) -> None:
    meanwhile.part.unlink()
    if swap == "link":
        meanwhile.part.symlink_to(meanwhile.precious)
    item = meanwhile.ends()
    assert (item.save_state, meanwhile.shop.media_files()) == (SaveState.UNSAVED, [])
    assert fault(item).message == "another program took the unfinished download away"
    item = meanwhile.again()
    assert (item.save_state, meanwhile.shop.file(item)) == (SaveState.SAVED, PNG)
    assert meanwhile.shop.part_files() == []


def test_media_are_put_nowhere_else(meanwhile: Meanwhile) -> None:
    outside = meanwhile.root / "outside"
    outside.mkdir()
    (meanwhile.folder / "images").symlink_to(outside)
    item = meanwhile.ends()
    assert (item.save_state, fault(item).message) == (SaveState.UNSAVED, "“images” leads out of the project demo")
    assert meanwhile.again().save_state is SaveState.UNSAVED
    assert list(outside.iterdir()) == []
    assert meanwhile.fal.count("file") == 1  # the bytes are here
    (meanwhile.folder / "images").unlink()
    assert meanwhile.again().save_state is SaveState.SAVED
    assert meanwhile.fal.count("file") == 1


def test_a_file_where_a_folder_belongs(meanwhile: Meanwhile) -> None:
    (meanwhile.folder / "images").write_text("x")
    assert fault(meanwhile.ends()).message == "could not use the folder images: Not a directory"


def test_an_item_that_another_window_removed_leaves_no_file(meanwhile: Meanwhile) -> None:
    library = Library(meanwhile.shop.locations)
    project = library.open("demo")
    entry = trash_items(project, [item.id for item in project.items()])
    meanwhile.go()
    assert list(meanwhile.shop.items()) == []
    assert meanwhile.shop.media_files() == []
    assert reconcile(project).adopted == ()
    restore_items(project, entry.id)
    library.close()
    meanwhile.shop.until(lambda: meanwhile.shop.items(), "the item")
    assert meanwhile.again().save_state is SaveState.SAVED
    assert len(meanwhile.shop.media_files()) == 1


def to_a_file(meanwhile: Meanwhile) -> None:
    meanwhile.part.symlink_to(meanwhile.precious)


def to_nowhere(meanwhile: Meanwhile) -> None:
    meanwhile.part.symlink_to(meanwhile.root / "nowhere")


def second_name(meanwhile: Meanwhile) -> None:
    os.link(meanwhile.precious, meanwhile.part)


def pipe(meanwhile: Meanwhile) -> None:
    os.mkfifo(meanwhile.part)


@pytest.mark.parametrize("plant", [to_a_file, to_nowhere, second_name, pipe])
def test_what_stands_where_a_download_belongs(meanwhile: Meanwhile, plant: Callable[[Meanwhile], None]) -> None:
    meanwhile.part.unlink()
    meanwhile.ends()
    plant(meanwhile)
    item = meanwhile.again()
    assert (item.save_state, meanwhile.shop.file(item)) == (SaveState.SAVED, PNG)
    assert not (meanwhile.root / "nowhere").exists()
    assert meanwhile.shop.part_files() == []


def test_a_note_is_not_written_through_a_link(fal: FalServer, opener: Opener, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    stall = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers=TYPED, hold_body=(600_000, stall))
    shop = opener()
    (job,) = shop.send()
    note = shop.project_folder() / "parts" / f"{job.id}-0.part.json"
    shop.until(note.exists, "a note")
    shop.studio.stop(5.0)
    note.unlink()
    note.symlink_to(precious)
    fal.on["file"] = lambda call: ranged(call, BIG)
    shop = opener()
    shop.until(lambda: shop.studio.items("demo") and shop.items()[0].save_state is SaveState.SAVED, "saved")
    assert precious.read_text() == "precious"


def test_nothing_is_kept_of_a_download_of_which_nothing_came(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(404))
    _, (item,) = shop.make()
    assert (item.save_state, shop.part_files()) == (SaveState.EXPIRED, [])
