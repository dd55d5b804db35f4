"""A save that came as far as the file's name and no further: the next one takes that file and names no second."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.disks import obey_permissions, unwritable
from tests.support.fal_server import PNG, FalServer, Reply
from tests.support.workshop import QUICK, Workshop, places, settings_for

from mediatui.library.library import Library
from mediatui.model import MediaItem, SavePolicy, SaveState, move_item
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio


@pytest.fixture
def failed(fal: FalServer, shop: Workshop) -> MediaItem:
    """An item whose save failed once; its server is well again."""
    fal.script("file", Reply(503))
    _, (item,) = shop.make()
    assert item.storage_error is not None
    fal.script("file", None)
    return item


def placed(shop: Workshop, item: MediaItem, data: bytes) -> Path:
    name = f"AI-Image-fal-ai-test-{round(item.created_at * 1000)}.png"
    path = shop.project_folder() / "images" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def write_record(shop: Workshop, item: MediaItem, path: Path) -> None:
    library = Library(shop.locations)
    saved = move_item(replace(item, path=f"images/{path.name}"), SaveState.SAVING)
    library.open("demo").write_sidecar(move_item(saved, SaveState.SAVED))
    library.close()


def test_by_the_record_beside_it(fal: FalServer, shop: Workshop, failed: MediaItem) -> None:
    asked = fal.count("file")
    path = placed(shop, failed, PNG)
    write_record(shop, failed, path)
    left = path.with_name(f".{path.name}.json.0123abcd.tmp")  # as of one that was killed there
    left.write_bytes(b"{")
    assert shop.studio.save([failed.id]).result(20).saved == (failed.id,)
    (item,) = shop.items()
    assert (item.path, shop.media_files(), shop.part_files()) == (f"images/{path.name}", [path.name], [])
    assert (fal.count("file"), left.exists()) == (asked, False)


def test_by_the_name_that_it_still_has_among_the_downloads(fal: FalServer, shop: Workshop, failed: MediaItem) -> None:
    asked = fal.count("file")
    path = placed(shop, failed, PNG)
    parts = shop.project_folder() / "parts"
    parts.mkdir(exist_ok=True)
    os.link(path, parts / f"{failed.id}.part")
    assert shop.studio.save([failed.id]).result(20).saved == (failed.id,)
    assert (shop.media_files(), shop.part_files(), fal.count("file")) == ([path.name], [], asked)


def test_a_strangers_file_is_left_alone(fal: FalServer, shop: Workshop, failed: MediaItem) -> None:
    path = placed(shop, failed, b"somebody's")
    assert shop.studio.save([failed.id]).result(20).saved == (failed.id,)
    assert shop.media_files() == [f"{path.stem}-2.png", path.name]
    assert path.read_bytes() == b"somebody's"


def test_a_file_that_is_another_items_stays_that(fal: FalServer, shop: Workshop, failed: MediaItem) -> None:
    path = placed(shop, failed, PNG)
    other = replace(failed, id="other-0", path=f"images/{path.name}", save_state=SaveState.SAVED, storage_error=None)
    library = Library(shop.locations)
    library.open("demo").commit(items=[other, move_item(failed, SaveState.SAVING)])
    library.close()
    assert shop.studio.save([failed.id]).result(20).saved == (failed.id,)
    assert {item.path for item in shop.items()} == {other.path, f"images/{path.stem}-2.png"}


@pytest.mark.parametrize("headers", [{"ETag": '"1"'}, {}], ids=["with a validator", "without"])
def test_a_whole_file_that_only_gets_no_name_is_not_asked_for_again(
    fal: FalServer, shop: Workshop, headers: dict[str, str]
) -> None:
    fal.script("file", Reply(body=PNG, headers={"Content-Type": "image/png", **headers}))
    shop.studio.create_project("demo").result(20)
    folder = shop.project_folder() / "images"
    folder.mkdir()
    with unwritable(folder):
        _, (item,) = shop.make()
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.kind.storage_blocked) == (SaveState.URL_ONLY, True)
    fal.script("file", Reply(404))
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert (shop.file(shop.items()[0]), shop.part_files(), fal.count("file")) == (PNG, [], 1)


def test_where_a_folder_cannot_be_synced_nothing_is_named(fal: FalServer, opener: Opener, tmp_path: Path) -> None:
    """A folder that may be written and not read; permissions mean something to the child, even if it is root's."""
    code = f"from tests.studio.test_save_named import unreadable; unreadable({str(tmp_path)!r}, {fal.url!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=obey_permissions,
    )
    refused = "url-only permission could not {}: Permission denied"
    first, second = refused.format("use the folder images"), refused.format("look for its file")
    assert done.stdout.splitlines() == [first, second, "[]", "saved", "1"]
    assert fal.count("submit") == 1


def unreadable(root: str, url: str) -> None:
    """Save twice where the folder of the file cannot be synced, then where it can."""
    where = places(Path(root))
    studio = Studio(settings_for(url, save_policy=SavePolicy.ON_DEMAND), where, QUICK)
    studio.start()
    jobs = studio.generate(GenerateRequest("a fox", ("fal-ai/test",), "demo")).result(20)
    studio.wait([job.id for job in jobs]).result(20)
    images = where.projects / "demo" / "images"
    images.mkdir()
    images.chmod(0o333)
    for _ in range(2):
        studio.retry_all().result(20)
        (item,) = studio.items("demo")
        assert item.storage_error is not None
        print(item.save_state, item.storage_error.kind, item.storage_error.message)
    images.chmod(0o755)
    print(list(images.iterdir()))
    studio.retry_all().result(20)
    print(studio.items("demo")[0].save_state)
    print(sum(path.suffix == ".png" for path in images.iterdir()))
    studio.stop(5.0)
