"""Choices of an export: folder or ZIP, names by template, copies that say how they were made, contact sheets."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from tests.media import makemedia

from mediatui.archive.embed import KEY
from mediatui.archive.mp4tags import read_comment
from mediatui.archive.naming import NAME_FIELDS, parse_template
from mediatui.archive.plan import ExportOptions, Sheet, plan_export, preview_names
from mediatui.archive.sheet import Tile, html_sheet
from mediatui.archive.sheet_image import image_sheet
from mediatui.archive.write import ExportReport, ExportStopped, write_export
from mediatui.errors import UsageError
from mediatui.model import MediaItem, MediaType, Project, SaveState
from mediatui.text import file_stem

PROJECT = Project("demo", "Demo <b>film</b>", 1.0)
HOSTILE = '</p><script>document.title="owned"</script><img src=x onerror=\'document.title="owned"\'>" onload="x&amp;'
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


def png(colour: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(data, "PNG")
    return data.getvalue()


def jpeg() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(data, "JPEG")
    return data.getvalue()


def mp4(*, fast: bool = False, frames: int = 12) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"} if fast else {}) as container:
            stream = container.add_stream("mpeg4", rate=12)
            stream.width, stream.height = 64, 48
            for number in range(frames):
                picture = Image.new("RGB", (64, 48), (number * 20, 90, 120))
                container.mux(stream.encode(makemedia.frame_of(picture)))
            container.mux(stream.encode(None))
        return path.read_bytes()


def item(folder: Path, number: int, data: bytes, ending: str, **changes: Any) -> MediaItem:
    type = MediaType.VIDEO if ending == "mp4" else MediaType.IMAGE
    path = f"{type.folder}/AI-{number}.{ending}"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    made = MediaItem(
        f"item-{number}", "demo", f"AI-{number}.{ending}", type, provider="fal", model="fal-ai/kling-2.1",
        prompt=f"Ein Hund № {number}", params={"steps": 4, "image": "x" * 9000}, seed=number, path=path,
        save_state=SaveState.SAVED, file_size=len(data), sha256=hashlib.sha256(data).hexdigest(),
        created_at=1_760_000_000.0 + number, tags=("hero",), rating=4,
    )  # fmt: skip
    return replace(made, **changes)


def export(folder: Path, items: list[MediaItem], target: Path, options: ExportOptions, **more: Any) -> ExportReport:
    plan = plan_export(PROJECT, folder, items, target, options)
    stop: Callable[[], bool] = more.pop("stop", lambda: False)
    return write_export(plan, {}, None, lambda *_: None, stop, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir()
    return tmp_path / "demo"


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_bytes())
    return found


def test_a_folder_holds_what_the_zip_holds(folder: Path, tmp_path: Path) -> None:
    items = [item(folder, 1, png(), "png"), item(folder, 2, mp4(), "mp4")]
    report = export(folder, items, tmp_path / "out", ExportOptions(folder=True))
    export(folder, items, tmp_path / "out.zip", ExportOptions())
    assert report.path == tmp_path / "out"
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        for name in archive.namelist():
            if name != "manifest.json":
                assert (report.path / name).read_bytes() == archive.read(name)
        assert manifest(report.path)["items"] == json.loads(archive.read("manifest.json"))["items"]
    assert (report.path / "images" / "AI-1.png").stat().st_mtime == items[0].created_at
    again = export(folder, items, tmp_path / "out", ExportOptions(folder=True))
    assert again.path.parent == tmp_path / "out"
    assert not list(tmp_path.rglob("*.part"))


def test_a_stopped_folder_export_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(ExportStopped):
        export(
            folder,
            [item(folder, n, png(), "png") for n in (1, 2)],
            tmp_path / "out",
            ExportOptions(folder=True),
            stop=lambda: next(answers, True),
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]


def test_names_follow_the_template(folder: Path, tmp_path: Path) -> None:
    items = [item(folder, 1, png(), "png"), item(folder, 2, png("blue"), "png", prompt="../../etc/passwd CON?")]
    template = "{n:03}-{date}-{model}-{prompt:8}"
    names = [
        "images/001-2025-10-09-fal-ai-kling-2-1-Ein-Hund.png",
        "images/002-2025-10-09-fal-ai-kling-2-1-..-..-et.png",
    ]
    assert list(preview_names(template, items, PROJECT)) == names
    report = export(folder, items, tmp_path / "out", ExportOptions(folder=True, names=template))
    assert sorted(path.relative_to(report.path).as_posix() for path in report.path.rglob("*.png")) == names
    alike = plan_export(PROJECT, folder, items, tmp_path / "x.zip", ExportOptions(names="{type}"))
    assert [entry.name for entry in alike.entries] == ["images/image.png", "images/image-2.png"]


@pytest.mark.parametrize(
    ("template", "says"),
    [("{colour}", "no field"), ("{modle}", "no field"), ("plain", "no field"), ("{n}/{name}", "“/”"), ("{n", "“{”"),
     ("{n:x}", "no width"), ("", "no field"), ("{n}{", "“{”")],
)  # fmt: skip
def test_a_wrong_template_is_explained(template: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_template(template)


@given(st.text(max_size=60), st.text(max_size=30), st.lists(st.sampled_from(NAME_FIELDS), min_size=1, max_size=4))
def test_every_name_is_safe(prompt: str, name: str, chosen: list[str]) -> None:
    made = MediaItem("i", "p", name, MediaType.IMAGE, prompt=prompt, model=name, tags=(prompt,), created_at=1.0)
    stem = parse_template("-".join(f"{{{field}}}" for field in chosen)).stem(7, made, name)
    assert stem
    assert stem == file_stem(stem, 180)
    assert len(stem.encode()) <= 200


@pytest.mark.parametrize("ending", ["png", "jpg", "mp4", "fast.mp4"])
def test_copies_say_how_they_were_made_and_originals_do_not_change(folder: Path, tmp_path: Path, ending: str) -> None:
    makers: dict[str, Callable[[], bytes]] = {"png": png, "jpg": jpeg, "mp4": mp4, "fast.mp4": partial(mp4, fast=True)}
    data = makers[ending]()
    if "mp4" in ending:
        assert (data.index(b"moov") < data.index(b"mdat")) == (ending == "fast.mp4")
    made = item(folder, 1, data, ending.split(".")[-1], prompt="Ein Hund 🐕 'im' Regen\nnachts")
    report = export(folder, [made], tmp_path / "out", ExportOptions(folder=True, embed=True))
    assert (folder / (made.path or "")).read_bytes() == data
    (entry,) = manifest(report.path)["items"]
    copy = report.path / entry["path"]
    assert (entry["sha256"], entry["file_size"]) == (hashlib.sha256(copy.read_bytes()).hexdigest(), copy.stat().st_size)
    assert entry["embedded"] is True
    assert entry["record"]["sha256"] == made.sha256
    if ending == "png":
        with Image.open(copy) as picture:
            assert isinstance(picture, PngImageFile)
            picture.load()
            assert picture.text["Description"] == made.prompt
            said = json.loads(picture.text[KEY])
            assert picture.tobytes() == Image.open(io.BytesIO(data)).tobytes()
    elif ending == "jpg":
        with Image.open(copy) as picture:
            comment = picture.getexif().get_ifd(0x8769)[0x9286]
            assert picture.tobytes() == Image.open(io.BytesIO(data)).tobytes()
        said = json.loads(comment[8:].decode("utf-16-be"))
    else:
        with copy.open("rb") as file:
            said = json.loads(read_comment(file) or "")
        with av.open(str(copy)) as container:
            assert json.loads(container.metadata["comment"]) == said
        assert frames_of(copy.read_bytes()) == frames_of(data)
    assert (said["prompt"], said["seed"], said["params"]) == (made.prompt, 1, {"steps": 4})


def frames_of(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data), "r") as container:
        return [makemedia.image_of(frame).tobytes() for frame in container.decode(video=0)]


def test_what_cannot_carry_text_is_copied_as_it_is(folder: Path, tmp_path: Path) -> None:
    made = item(folder, 1, b"RIFFnot really", "png")
    report = export(folder, [made], tmp_path / "out", ExportOptions(folder=True, embed=True))
    (entry,) = manifest(report.path)["items"]
    assert "embedded" not in entry
    assert (report.path / entry["path"]).read_bytes() == b"RIFFnot really"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_whatever_items_say_is_text_on_the_page(tmp_path: Path) -> None:
    poster = tmp_path / "poster.jpg"
    poster.write_bytes(jpeg())
    made = MediaItem(
        "i", "p", HOSTILE, MediaType.AUDIO, prompt=HOSTILE, model=HOSTILE, notes=HOSTILE, tags=(HOSTILE,), rating=3
    )
    page = _Page()
    page.feed(html_sheet(HOSTILE, [Tile(made, "audio/x%22.mp3", poster), Tile(made, '"><script>', None)]).decode())
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert names.count("audio") == 2
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert page.text.count(HOSTILE) == 2 + 2 * 5
    assert not [a for _, attrs in page.tags for n, a in attrs.items() if n == "src" and a and a.startswith("http")]


def test_the_picture_shows_every_item(folder: Path, tmp_path: Path) -> None:
    poster = tmp_path / "poster.jpg"
    poster.write_bytes(jpeg())
    tiles = [Tile(item(folder, n, png(), "png"), "x", poster if n % 2 else None) for n in range(9)]
    sheet = Image.open(io.BytesIO(image_sheet("Ein Titel", [*tiles, Tile(tiles[0].item, "x", tmp_path / "none")])))
    assert (sheet.format, sheet.width) == ("JPEG", 16 + 4 * 336)
    small = sheet.convert("RGB").resize((300, 200)).tobytes()
    assert sum(green > 100 > red for red, green in zip(small[0::3], small[1::3], strict=True)) > 500
    assert image_sheet("nothing", [])
    with pytest.raises(UsageError, match="too many"):
        plan_export(PROJECT, folder, [tiles[0].item] * 2001, tmp_path, ExportOptions(sheets=frozenset({Sheet.IMAGE})))


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine")
def test_the_page_opens_in_a_browser_and_runs_nothing(folder: Path, tmp_path: Path) -> None:
    items = [item(folder, 1, png(), "png", name=HOSTILE, prompt=HOSTILE), item(folder, 2, mp4(), "mp4")]
    poster = tmp_path / "poster.jpg"
    poster.write_bytes(jpeg())
    options = ExportOptions(folder=True, sheets=frozenset(Sheet))
    report = export(folder, items, tmp_path / "out #1", options, poster=lambda made: poster)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=4000", "--dump-dom", (report.path / "contact-sheet.html").as_uri()],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    page = _Page()
    page.feed(done.stdout)
    assert "<title>Demo &lt;b&gt;film&lt;/b&gt;</title>" in done.stdout
    assert HOSTILE in page.text
    video = next(attrs for tag, attrs in page.tags if tag == "video")
    assert (report.path / (video["src"] or "")).is_file()
    with Image.open(report.path / "contact-sheet.jpg") as sheet:
        assert sheet.width > 1000
