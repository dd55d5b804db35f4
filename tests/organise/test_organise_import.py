"""Imports: what was exported comes back exactly; other media becomes a project; traps are refused by name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.organise.conftest import add_item, everything, places, without_times
from tests.organise.test_organise_export import jpeg, mp4, png

from mediatui.archive.import_plan import ImportKind, ImportPlan
from mediatui.archive.import_write import ImportReport, ImportStopped
from mediatui.archive.plan import ExportOptions, plan_export
from mediatui.archive.read import BadArchive, unsafe_name
from mediatui.archive.write import write_export
from mediatui.errors import SaveErrorKind, StorageTooNew, UsageError
from mediatui.library.library import Library
from mediatui.library.reconcile import compare
from mediatui.model import Job, MediaType, Phase, SavePolicy, SaveState, StorageFault
from mediatui.settings import Settings
from mediatui.studio.studio import Studio

SECONDS = 30


def studio_at(root: Path) -> Studio:
    studio = Studio(Settings(sandbox=True), places(root))
    studio.start(follow=False)
    return studio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = studio_at(tmp_path / "new")
    yield studio
    studio.stop()


def rich_project(library: Library) -> None:
    """A project with everything a manifest can hold."""
    project = library.create("Old name")
    library.rename(project.id, "Sommer № 1")
    library.set_policy(project.id, SavePolicy.ON_DEMAND)
    project.edit_record(lambda record: replace(record, extra={"colour": "blue"}))
    project.commit(
        jobs=[
            Job(
                "job1", project.id, "fal", "fal-ai/kling", "p", {"a": [1, {"b": None}]}, {"prompt": "p"},
                MediaType.VIDEO, Phase.SUCCEEDED, "remote-1", {"status_url": "https://x/1"},
                created_at=5.0, finished_at=9.5, price="$1",
            ),
            Job("job2", project.id, "fal", "fal-ai/kling", "q", phase=Phase.RUNNING, remote_id="remote-2"),
        ]
    )  # fmt: skip
    add_item(project, "job1-0", mp4(), job="job1", tags=("hero",), rating=5, favourite=True, notes="keep\nit", seed=7)
    add_item(project, "job1-1", b"twice", name="Another name", extra={"unknown": [1, 2]})
    add_item(project, "job1-2", b"twice")
    add_item(project, "expired", None, save_state=SaveState.EXPIRED, url=None)
    fault = StorageFault(SaveErrorKind.FULL, "full", 3.0, 2)
    add_item(project, "unsaved", None, save_state=SaveState.UNSAVED, url=None, storage_error=fault)
    where = "videos/gone.mp4"
    add_item(project, "gone", None, path=where, save_state=SaveState.MISSING, url=None, sidecar=False)


def export(library: Library, project_id: str, target: Path, **options: Any) -> Path:
    project = library.open(project_id)
    plan = plan_export(project.record, project.folder, project.items(), target, ExportOptions(**options))
    jobs = {job.id: job for job in project.jobs()}
    return write_export(plan, jobs, None, lambda *_: None, lambda: False).path


def manifest_of(path: Path) -> dict[str, Any]:
    if path.is_dir():
        data = (path / "manifest.json").read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            data = archive.read("manifest.json")
    document: dict[str, Any] = json.loads(data)
    del document["created_at"]
    return document


def bytes_of(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    else:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    del files["manifest.json"]
    return files


def bring(studio: Studio, path: Path, project: str | None = None) -> tuple[ImportPlan, ImportReport]:
    plan = studio.imports.plan(path).result(SECONDS)
    return plan, studio.imports.run(plan, project).result(SECONDS)


@pytest.mark.parametrize("folder", [False, True])
def test_export_import_export_gives_equal_manifests_and_bytes(tmp_path: Path, studio: Studio, folder: bool) -> None:
    old = Library(places(tmp_path / "old"))
    rich_project(old)
    first = export(old, "old-name", tmp_path / ("first" if folder else "first.zip"), folder=folder)
    before = everything(old)
    old.close()
    plan, report = bring(studio, first)
    assert (plan.kind, plan.name, plan.files, plan.refused) == (ImportKind.EXPORT, "Sommer № 1", 3, ())
    assert (report.project, report.refused, report.renumbered, report.jobs) == ("old-name", (), {}, 2)
    second = export(studio.organise._lib, "old-name", tmp_path / "second.zip")
    assert manifest_of(second) == manifest_of(first)
    assert bytes_of(second) == bytes_of(first)
    assert without_times(everything(studio.organise._lib)) == without_times(before)
    assert compare(studio.organise._lib.open("old-name")).orphans == ()


def test_importing_again_changes_nothing_and_goes_on_where_it_stopped(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    rich_project(library)
    first = export(library, "old-name", tmp_path / "x.zip")
    before = everything(library)
    _, report = bring(studio, first)
    assert (report.project, report.imported) == ("old-name", ())
    assert len(report.skipped) == 6
    assert everything(library) == before
    library.open("old-name").commit(gone_items=["job1-1"])
    _, report = bring(studio, first)
    assert report.imported == ("job1-1",)
    assert without_times(everything(library)) == without_times(before)
    assert compare(library.open("old-name")).orphans == ()


def test_one_that_is_killed_when_its_project_is_just_made_goes_on_in_it(tmp_path: Path) -> None:
    old = Library(places(tmp_path / "old"))
    rich_project(old)
    first, record = export(old, "old-name", tmp_path / "x.zip"), old.open("old-name").record
    old.close()
    root = tmp_path / "new"
    code = (
        f"from tests.organise.test_organise_import import bring_and_die; bring_and_die({str(root)!r}, {str(first)!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    studio = studio_at(root)
    try:
        assert [held.record for held in studio.organise._lib.open_readable()] == [record]
        _, report = bring(studio, first)
        assert (report.project, len(report.imported)) == ("old-name", 6)
        assert studio.organise._lib.project_ids() == ("old-name",)
    finally:
        studio.stop()


def bring_and_die(root: str, path: str) -> None:
    """Import, and be killed as soon as there is a project."""
    studio = studio_at(Path(root))
    studio.organise._lib._on_projects = lambda: os.kill(os.getpid(), signal.SIGKILL)
    bring(studio, Path(path))


def test_conflicts_get_new_identifiers_and_are_told(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    rich_project(library)
    first = export(library, "old-name", tmp_path / "x.zip")
    project = library.open("old-name")
    project.edit_item("job1-1", lambda item: replace(item, sha256="0" * 64))
    _, report = bring(studio, first)
    assert list(report.renumbered) == ["job1-1"]
    assert report.imported == (report.renumbered["job1-1"],)
    assert project.item("job1-1").sha256 == "0" * 64
    _, copy = bring(studio, first, "A copy")
    assert set(copy.renumbered) == {"job1-0", "job1-1", "job1-2", "expired", "unsaved", "gone"}
    assert [job.id for job in library.open("a-copy").jobs()] == ["job1"]


def test_an_import_can_be_taken_back(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.png").write_bytes(png())
    project = library.create("Here")
    add_item(project, "here")
    before = everything(library)
    bring(studio, tmp_path / "media", "Here")
    after = everything(library)
    assert len(after) == len(before) + 3
    bring(studio, tmp_path / "media")
    assert library.project_ids() == ("here", "media")
    for _ in range(2):
        assert studio.organise.undo().result(SECONDS) is not None
    assert everything(library) == before
    studio.organise.redo().result(SECONDS)
    assert without_times(everything(library)) == without_times(after)


def test_taking_an_import_back_keeps_what_came_into_its_project_since(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.png").write_bytes(png())
    bring(studio, tmp_path / "media")
    add_item(library.open("media"), "paid-since")
    undo = studio.organise.undo().result(SECONDS)
    assert undo is not None
    assert undo.notes == ("“media” stays: 1 item came into it since",)
    assert [item.id for item in library.open("media").items()] == ["paid-since"]


def test_a_rezipped_export_and_a_copied_project_folder_are_understood(tmp_path: Path, studio: Studio) -> None:
    old = Library(places(tmp_path / "old"))
    rich_project(old)
    folder = export(old, "old-name", tmp_path / "out", folder=True, sheets=frozenset())
    before = without_times(everything(old))
    old.close()
    zipped = Path(shutil.make_archive(str(tmp_path / "again"), "zip", tmp_path, "out"))
    plan, report = bring(studio, zipped)
    assert (plan.kind, plan.refused, report.refused) == (ImportKind.EXPORT, (), ())
    assert without_times(everything(studio.organise._lib)) == before
    other = studio_at(tmp_path / "third")
    source = shutil.copytree(tmp_path / "old" / "data" / "projects" / "old-name", tmp_path / "old-name")
    plan, report = bring(other, source)
    assert plan.kind is ImportKind.PROJECT
    assert without_times(everything(other.organise._lib)) == before
    assert folder.is_dir()
    other.stop()


A1111 = (
    "a dog, <lora:x:1>\nin the rain\nNegative prompt: blurry, bad\n"
    "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 123456, Size: 512x768, Model hash: abc, Model: sd_xl, "
    'Hashes: "a: 1, b: 2"'
)
COMFY = {
    "3": {"class_type": "KSampler", "inputs": {"seed": ["9", 0], "steps": 30, "cfg": 6.5, "sampler_name": "euler",
          "positive": ["6", 0], "negative": ["7", 0], "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "flux.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly", "clip": ["4", 1]}},
    "8": {"class_type": "PrimitiveString", "inputs": {"value": "a castle"}},
    "9": {"class_type": "Seed", "inputs": {"seed": 77}},
}  # fmt: skip


def media_folder(root: Path) -> Path:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    root.mkdir()
    picture = Image.new("RGB", (40, 30), "navy")
    for name, key, text, packed in (
        ("a1111.png", "parameters", A1111, False),
        ("packed.png", "parameters", A1111, True),
        ("comfy.png", "prompt", json.dumps(COMFY), False),
    ):
        info = PngInfo()
        info.add_text(key, text, zip=packed)
        info.add_itxt("workflow", "{}")
        picture.save(root / name, pnginfo=info)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    picture.save(root / "a1111.jpg", exif=exif)
    picture.save(root / "a1111.webp", exif=exif)
    comfy = Image.Exif()
    comfy[0x0110] = "prompt:" + json.dumps(COMFY)
    picture.save(root / "comfy.webp", exif=comfy)
    (root / "plain.jpeg").write_bytes(jpeg())
    (root / "misnamed.txt").write_bytes(png("teal"))
    (root / "sub").mkdir()
    (root / "sub" / "clip.mp4").write_bytes(mp4())
    (root / "notes.txt").write_bytes(b"just text")
    (root / "empty.png").write_bytes(b"")
    (root / ".hidden.png").write_bytes(png())
    (root / "link.png").symlink_to(root / "a1111.png")
    os.mkfifo(root / "pipe.png")
    return root


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_of_media_becomes_a_project(tmp_path: Path, studio: Studio, zipped: bool) -> None:
    source = media_folder(tmp_path / "Old works")
    expected = {"notes.txt", "empty.png"}
    if zipped:
        (source / "pipe.png").unlink()
        (source / "link.png").unlink()
        source = Path(shutil.make_archive(str(tmp_path / "Old works"), "zip", source))
    else:
        expected |= {"link.png", "pipe.png"}
    plan, report = bring(studio, source)
    assert plan.kind is ImportKind.MEDIA
    assert {refused.name for refused in report.refused} == expected
    assert studio.organise._lib.open("old-works").record.name == "Old works"
    items = {item.name: item for item in studio.organise._lib.open("old-works").items()}
    assert set(items) == {
        *("a1111.png", "packed.png", "comfy.png", "a1111.jpg", "a1111.webp", "comfy.webp"),
        *("plain.jpg", "misnamed.png", "clip.mp4"),
    }
    for name in ("a1111.png", "packed.png", "a1111.jpg", "a1111.webp"):
        item = items[name]
        assert (item.prompt, item.seed, item.model) == ("a dog, <lora:x:1>\nin the rain", 123456, "sd_xl")
        assert (item.params["negative_prompt"], item.params["cfg_scale"], item.params["steps"]) == (
            "blurry, bad",
            7.5,
            20,
        )
        assert (item.width, item.height, item.extra) == (40, 30, {"imported_from": "automatic1111"})
    for name in ("comfy.png", "comfy.webp"):
        item = items[name]
        assert (item.prompt, item.seed, item.model) == ("a castle", 77, "flux.safetensors")
        assert (item.params["negative_prompt"], item.params["steps"]) == ("ugly", 30)
    assert (items["clip.mp4"].type, items["clip.mp4"].duration) == (MediaType.VIDEO, 1.0)
    assert all(item.save_state is SaveState.SAVED and item.role == "imported" for item in items.values())
    again = bring(studio, source, "Old works")[1]
    assert (again.imported, len(again.skipped)) == ((), 9)


def test_our_own_copies_tell_how_they_were_made(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("Own")
    made = add_item(
        project, "own", png(), type=MediaType.IMAGE, tags=("hero",), rating=4, notes="n", seed=9, prompt="ein Hund 🐕"
    )
    out = export(library, "own", tmp_path / "out", folder=True, embed=True)
    (out / "manifest.json").unlink()
    _, report = bring(studio, out, "Again")
    (item,) = library.open("again").items()
    for name in ("prompt", "seed", "model", "provider", "params", "tags", "rating", "notes", "created_at"):
        assert getattr(item, name) == getattr(made, name), name
    assert report.imported == (item.id,)


def test_an_export_with_embedded_copies_comes_back_as_these_copies(tmp_path: Path, studio: Studio) -> None:
    library = studio.organise._lib
    made = add_item(library.create("Own"), "own", png(), type=MediaType.IMAGE)
    out = export(library, "own", tmp_path / "out.zip", embed=True)
    _, report = bring(studio, out, "Again")
    (item,) = library.open("again").items()
    data = library.open("again").path_of(item.path or "").read_bytes()
    assert item.sha256 == hashlib.sha256(data).hexdigest() != made.sha256
    assert report.refused == ()


Make = Callable[[zipfile.ZipFile], None]


def raw(name: str, data: bytes = b"", **fields: Any) -> Make:
    def write(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("x")
        info.filename = name
        for field, value in fields.items():
            setattr(info, field, value)
        archive.writestr(info, data or png())

    return write


TRAPS: list[tuple[str, Make, str]] = [
    ("../evil.png", raw("../evil.png"), "leads out"),
    ("a/../../evil.png", raw("a/../../evil.png"), "leads out"),
    ("/etc/evil.png", raw("/etc/evil.png"), "absolute"),
    ("C:/evil.png", raw("C:/evil.png"), "absolute"),
    ("a\\..\\evil.png", raw("a\\..\\evil.png"), "backslashes"),
    ("a//evil.png", raw("a//evil.png"), "not a plain one"),
    ("x" * 300 + ".png", raw("x" * 300 + ".png"), "too long"),
    ("link.png", raw("link.png", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16), "a link"),
    ("dev.png", raw("dev.png", external_attr=(stat.S_IFCHR | 0o666) << 16), "a device"),
    ("bomb.png", raw("bomb.png", png() + bytes(40 << 20), compress_type=zipfile.ZIP_DEFLATED), "times its size"),
]


@pytest.mark.parametrize(("name", "make", "says"), TRAPS, ids=[trap[0][:20] for trap in TRAPS])
def test_traps_are_refused_by_name_and_the_rest_is_imported(
    tmp_path: Path, studio: Studio, name: str, make: Make, says: str
) -> None:
    path = tmp_path / "traps.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.png", png("green"))
        make(archive)
    _, report = bring(studio, path)
    (refused,) = report.refused
    assert refused.name.rstrip("…") in name
    assert says in refused.reason
    assert [item.name for item in studio.organise._lib.open("traps").items()] == ["good.png"]
    assert not list(tmp_path.rglob("evil.png"))


def test_names_that_are_there_twice_are_refused(tmp_path: Path, studio: Studio) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        raw("one.png")(archive)
        raw("ONE.png", png("blue"))(archive)
        raw("two.png", png("green"))(archive)
    plan = studio.imports.plan(path).result(SECONDS)
    assert [refused.name for refused in plan.refused] == ["one.png", "ONE.png"]
    assert plan.files == 1


def test_encrypted_entries_are_refused(tmp_path: Path, studio: Studio) -> None:
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        raw("secret.png")(archive)
        raw("open.png", png("blue"))(archive)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    plan = studio.imports.plan(path).result(SECONDS)
    assert [(refused.name, refused.reason) for refused in plan.refused] == [("secret.png", "it is encrypted")]


def test_a_zip_that_is_cut_off_is_refused_whole(tmp_path: Path, studio: Studio) -> None:
    library = Library(places(tmp_path / "old"))
    rich_project(library)
    whole = export(library, "old-name", tmp_path / "x.zip")
    library.close()
    data = whole.read_bytes()
    for cut in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / "cut.zip").write_bytes(data[:cut])
        with pytest.raises(BadArchive, match="cut off"):
            studio.imports.plan(tmp_path / "cut.zip").result(SECONDS)
    with pytest.raises(UsageError, match="no file or folder"):
        studio.imports.plan(tmp_path / "none").result(SECONDS)


def test_damaged_bytes_and_a_lying_manifest_are_refused_by_name(tmp_path: Path, studio: Studio) -> None:
    old = Library(places(tmp_path / "old"))
    rich_project(old)
    folder = export(old, "old-name", tmp_path / "x", folder=True)
    old.close()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    video = next(i for i in manifest["items"] if i["id"] == "job1-0")
    data = (folder / video["path"]).read_bytes()
    (folder / video["path"]).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (folder / "extra.png").write_bytes(png())
    manifest["items"].append({**video, "path": "../../etc/passwd"})
    manifest["items"].append({"path": 3})
    evil = next(i for i in manifest["items"] if i["id"] == "job1-1")
    evil["record"]["path"] = "../../../evil.mp4"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    _, report = bring(studio, folder)
    assert {refused.name: refused.reason for refused in report.refused} == {
        video["path"]: "its bytes are not those that were exported",
        "extra.png": "the manifest does not name it",
        "../../etc/passwd": "the manifest names it, but it is not there",
        "3": "its entry in the manifest makes no sense",
    }
    assert not list(tmp_path.rglob("evil.mp4"))
    assert studio.organise._lib.open("old-name").item("job1-1").path == evil["path"]


def test_a_manifest_of_a_newer_version_or_another_program_is_refused(tmp_path: Path, studio: Studio) -> None:
    for text, error in (
        ('{"format": "mediatui-export", "version": 2}', StorageTooNew),
        ('{"format": "other"}', BadArchive),
        ("[" * 100_000, BadArchive),
        ("{", BadArchive),
    ):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("manifest.json", text)
        with pytest.raises(error):
            studio.imports.plan(tmp_path / "x.zip").result(SECONDS)


def test_an_imported_file_never_becomes_another_items(tmp_path: Path, studio: Studio) -> None:
    project = studio.organise._lib.create("Here")
    add_item(project, "gone", None, type=MediaType.IMAGE, path="images/a.png", save_state=SaveState.MISSING)
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.png").write_bytes(png())
    bring(studio, tmp_path / "media", "Here")
    assert compare(project).returned == ()
    assert sorted(item.path or "" for item in project.items()) == ["images/a-2.png", "images/a.png"]


def test_a_stopped_import_keeps_what_is_there(tmp_path: Path, studio: Studio) -> None:
    (tmp_path / "media").mkdir()
    for number in range(4):
        (tmp_path / "media" / f"{number}.png").write_bytes(png("red") + bytes([number]))
    plan = studio.imports.plan(tmp_path / "media").result(SECONDS)
    project = studio.organise._lib.create("Here")
    from mediatui.archive.import_write import Surroundings, write_import

    calls = iter(range(100))
    with pytest.raises(ImportStopped):
        write_import(plan, project, Surroundings(lambda path: None), stop=lambda: next(calls) >= 5)
    kept = len(project.items())
    assert 0 < kept < 4
    assert not list((project.folder / "parts").iterdir())
    assert compare(project).orphans == ()
    _, report = bring(studio, tmp_path / "media", "Here")
    assert (len(report.skipped), len(report.imported)) == (kept, 4 - kept)


@given(st.text(max_size=30))
def test_a_name_that_passes_stays_inside(name: str) -> None:
    if not unsafe_name(name):
        path = os.path.normpath(os.path.join("/base", name))
        assert path.startswith("/base/")
        assert path == f"/base/{name.rstrip('/')}"


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_damage_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    from mediatui.archive.import_plan import plan_import
    from mediatui.archive.metadata import read_making
    from mediatui.errors import MediatuiError
    from mediatui.media.probe import sniff

    root = tmp_path_factory.mktemp("damage")
    with zipfile.ZipFile(root / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", png())
        archive.writestr("b.jpg", jpeg())
    whole = bytearray((root / "x.zip").read_bytes())
    places_ = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4))
    for place in places_:
        whole[place] = data.draw(st.integers(0, 255))
    (root / "x.zip").write_bytes(whole)
    with suppress(MediatuiError):
        plan_import(root / "x.zip", sniff, root, 1 << 30)
    for source in (png_with_text(), jpeg(), mp4_with_comment()):
        changed = bytearray(source)
        for place in places_:
            changed[place % len(changed)] = data.draw(st.integers(0, 255))
        (root / "y").write_bytes(changed)
        read_making(root / "y")


@cache
def mp4_with_comment() -> bytes:
    from mediatui.archive.mp4tags import with_comment

    data = mp4()
    start, end, moov = with_comment(io.BytesIO(data), '{"mediatui": 1}', "t") or (0, 0, b"")
    return data[:start] + moov + data[end:]


def png_with_text() -> bytes:
    from mediatui.archive.pngtext import text_chunk

    data = png()
    chunk = text_chunk("parameters", A1111)
    packed = struct.pack(">I", 4) + b"zTXtabc\0" + bytes(4)
    return data[:33] + chunk + packed + data[33:]
