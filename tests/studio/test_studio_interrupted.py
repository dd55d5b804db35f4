"""What a save left behind at each of its steps is taken up, not done again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import PNG, FalServer

from mediatui.library.project import ProjectFolder
from mediatui.model import MediaItem, SavePolicy, SaveState
from mediatui.studio.part import PartFile, Validator

Left = Callable[[ProjectFolder, MediaItem, Path, Path], None]
"""Leaves behind what an interrupted save of an item would, given its part file and its final name."""


def whole_part(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    with PartFile(part) as file:
        file.begin(Validator(item.url or "", '"one"', "", len(PNG)))
        file.write(PNG)


def linked(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    whole_part(project, item, part, final)
    final.parent.mkdir(exist_ok=True)
    os.link(part, final)


def linked_with_its_record(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    linked(project, item, part, final)
    part.with_name(f"{part.name}.json").unlink()
    write_record(project, item, final)


def write_record(project: ProjectFolder, item: MediaItem, final: Path) -> None:
    relative = final.relative_to(project.folder).as_posix()
    project.write_sidecar(replace(item, path=relative, save_state=SaveState.SAVED, file_size=len(PNG)))


def named(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    linked(project, item, part, final)
    part.unlink()


def named_and_forgotten(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    named(project, item, part, final)
    part.with_name(f"{part.name}.json").unlink()


def named_second(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    """The name was taken by a file of somebody else's."""
    named_and_forgotten(project, item, part, final.with_name(f"{final.stem}-2.png"))


def named_with_its_record(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    named_and_forgotten(project, item, part, final)
    write_record(project, item, final)


def record_without_its_file(project: ProjectFolder, item: MediaItem, part: Path, final: Path) -> None:
    """A power cut kept the one name and lost the other."""
    whole_part(project, item, part, final)
    write_record(project, item, final)


STEPS: list[Left] = [
    whole_part,
    linked,
    linked_with_its_record,
    record_without_its_file,
    named,
    named_and_forgotten,
    named_second,
    named_with_its_record,
]


@pytest.mark.parametrize("left", STEPS, ids=lambda left: left.__name__)
@pytest.mark.parametrize("other_type", [False, True], ids=["", "of another type than expected"])
def test_an_interrupted_save_is_finished_without_downloading(
    fal: FalServer, opener: Opener, left: Left, other_type: bool
) -> None:
    kind = "video/mp4" if other_type else "image/png"
    fal.on["result"] = lambda call: replace(
        fal.good(call), body={"x": {"url": f"{fal.url}/files/a.png", "content_type": kind}}
    )
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    shop.studio.stop(5)
    project = ProjectFolder(shop.project_folder())
    project.edit_item(item.id, lambda i: replace(i, save_state=SaveState.SAVING))
    part = project.folder / "parts" / f"{item.id}.part"
    final = project.folder / "images" / f"AI-Image-fal-ai-test-{round(item.created_at * 1000)}.png"
    part.parent.mkdir(exist_ok=True)
    left(project, item, part, final)
    project.close()

    again = opener(save_policy=SavePolicy.ON_DEMAND)
    again.until(lambda: again.items() and again.items()[0].save_state is SaveState.SAVED)
    again.until(lambda: not again.part_files())
    found = again.items()[0]
    assert again.file(found) == PNG
    assert len(again.media_files()) == 1
    assert (fal.count("file"), fal.count("submit")) == (0, 1)


@pytest.mark.parametrize(
    "note",
    [b"", b"{", b"[]", b'{"url": 5}', b'{"url":"URL","etag":"\\"one\\"","modified":"","total":"x","boot":"BOOT"}'],
)
def test_a_note_that_makes_no_sense_only_costs_the_bytes_so_far(fal: FalServer, opener: Opener, note: bytes) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    parts = shop.project_folder() / "parts"
    parts.mkdir(exist_ok=True)
    (parts / f"{item.id}.part").write_bytes(b"not the start of it")
    (parts / f"{item.id}.part.json").write_bytes(note.replace(b"URL", (item.url or "").encode()))
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert shop.file(shop.items()[0]) == PNG


def test_bytes_from_before_the_machine_was_started_are_not_trusted(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    part = shop.project_folder() / "parts" / f"{item.id}.part"
    part.parent.mkdir(exist_ok=True)
    with PartFile(part) as file:
        file.begin(Validator(item.url or "", '"one"', "", len(PNG)))
        file.write(PNG[:10] + bytes(len(PNG) - 10))
    note = part.with_name(f"{part.name}.json")
    note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "an earlier one"}))
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert shop.file(shop.items()[0]) == PNG
    assert "range" not in fal.of("file")[0].headers


def test_a_named_file_is_never_written_to_again(tmp_path: Path) -> None:
    part, final = tmp_path / "parts" / "x.part", tmp_path / "final.png"
    with PartFile(part) as file:
        file.begin(Validator(""))
        file.write(b"whole")
    os.link(part, final)
    with PartFile(part) as file:
        file.begin(Validator(""))
        file.write(b"other")
    assert (final.read_bytes(), part.read_bytes()) == (b"whole", b"other")
