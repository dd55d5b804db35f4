"""Archives of what is only at an address: fetched by the same rules, and opened by the same means, as a save."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import PNG, Call, FalServer, Reply
from tests.support.workshop import SECONDS, Workshop

from mediatui.model import MediaItem, SavePolicy, SaveState


def exported(shop: Workshop, target: Path) -> tuple[list[bytes], list[str]]:
    """The media in an archive of the project, and why the rest is missing."""
    plan = shop.studio.plan_export("demo", target).result(SECONDS)
    report = shop.studio.export(plan).result(SECONDS)
    with zipfile.ZipFile(target) as archive:
        found = [archive.read(name) for name in archive.namelist() if name.endswith(".png")]
    assert [path.name for path in target.parent.glob(f"*{plan.id}*")] == []
    return found, [missing.reason for missing in report.missing]


def restricted(call: Call) -> Reply:
    """A file that opens only with a signature."""
    signed = "identity" in call.params
    return Reply(body=PNG, headers={"Content-Type": "image/png"}) if signed else Reply(403, {"detail": "forbidden"})


def sign(call: Call) -> Reply:
    return Reply(body={"signed_url": f"{call.params['url'][0]}?identity=secret"})


def fetched(shop: Workshop, item: MediaItem, target: Path) -> bytes:
    (data,), missing = exported(shop, target)
    assert missing == []
    return data


def looked_at(shop: Workshop, item: MediaItem, target: Path) -> bytes:
    found = shop.studio.playable(item.id).result(SECONDS)
    assert found.path is not None
    return found.path.read_bytes()


def saved(shop: Workshop, item: MediaItem, target: Path) -> bytes:
    assert shop.studio.save([item.id]).result(SECONDS).saved == (item.id,)
    return shop.file(shop.items()[0])


Way = Callable[[Workshop, MediaItem, Path], bytes]
WAYS = pytest.mark.parametrize("way", [fetched, looked_at, saved])


@WAYS
def test_a_restricted_file_is_opened_with_a_signature(fal: FalServer, opener: Opener, tmp_path: Path, way: Way) -> None:
    shop = opener(save_policy=SavePolicy.URL_ONLY)
    _, (item,) = shop.make()
    fal.on |= {"file": restricted, "sign": sign}
    assert way(shop, item, tmp_path / "out.zip") == PNG
    assert (fal.count("sign"), fal.count("submit")) == (1, 1)
    assert "authorization" not in fal.of("file")[-1].headers
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"identity=secret" not in written


@WAYS
def test_a_moved_file_is_asked_for_once_more(fal: FalServer, opener: Opener, tmp_path: Path, way: Way) -> None:
    shop = opener(save_policy=SavePolicy.URL_ONLY)
    _, (item,) = shop.make()
    fal.files, fal.outputs = {"/files/moved.png": PNG}, ["/files/moved.png"]
    assert way(shop, item, tmp_path / "out.zip") == PNG
    assert (fal.count("result"), fal.count("submit")) == (2, 1)


def test_what_is_gone_is_named(fal: FalServer, opener: Opener, tmp_path: Path) -> None:
    shop = opener(save_policy=SavePolicy.URL_ONLY)
    shop.make()
    fal.files = {}
    data, (reason,) = exported(shop, tmp_path / "out.zip")
    assert (data, "answers 404" in reason) == ([], True)
    assert [item.save_state for item in shop.items()] == [SaveState.URL_ONLY]


def test_a_file_that_vanished_is_fetched(fal: FalServer, shop: Workshop, tmp_path: Path) -> None:
    _, (item,) = shop.make()
    assert item.path is not None
    plan = shop.studio.plan_export("demo", tmp_path / "out.zip").result(SECONDS)
    (shop.project_folder() / item.path).unlink()
    report = shop.studio.export(plan).result(SECONDS)
    assert report.missing == ()
    assert fal.count("file") == 2
