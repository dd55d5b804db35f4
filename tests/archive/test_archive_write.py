"""Exports: valid for every unzipper, true to the bytes, whole or not there, and never stopped by one bad item."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.disks import tmpfs

from mediatui.archive.plan import ExportEntry, ExportPlan, plan_export
from mediatui.archive.write import ExportReport, ExportStopped, write_export
from mediatui.errors import SaveError, SaveErrorKind, StorageBlocked
from mediatui.library.index import item_from_document, job_from_document
from mediatui.model import Job, MediaItem, MediaType, Phase, Project, SaveState

PROJECT = Project("demo", "Demo", 1_760_000_000.0)


def item(folder: Path, number: int, data: bytes | None, **changes: Any) -> MediaItem:
    """An item whose file holds `data`; None: it is not on disk."""
    name = f"AI-Video-model-{number}.mp4"
    made = MediaItem(
        id=f"item-{number}",
        project="demo",
        name=name,
        type=MediaType.VIDEO,
        provider="fal",
        model="fal-ai/model",
        prompt=f"Ein Prompt № {number}",
        params={"steps": 4, "nested": {"list": [1, 2.5, None]}},
        seed=number,
        job=f"job-{number}",
        url=None,
        created_at=1_760_000_000.0 + number,
    )
    if data is not None:
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        (folder / "videos" / name).write_bytes(data)
        made = replace(
            made,
            path=f"videos/{name}",
            save_state=SaveState.SAVED,
            file_size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            crc32=f"{zlib.crc32(data):08x}",
        )
    return replace(made, **changes)


def file_of(folder: Path, item: MediaItem) -> Path:
    assert item.path is not None
    return folder / item.path


def fill(path: Path) -> None:
    """Write more than a small disk holds."""
    path.write_bytes(bytes(8 << 20))


def job(number: int) -> Job:
    return Job(
        f"job-{number}", "demo", "fal", "fal-ai/model", "p", phase=Phase.SUCCEEDED, remote_id=f"request-{number}"
    )


def export(
    plan: ExportPlan,
    *,
    jobs: dict[str, Job] | None = None,
    fetch: Callable[[ExportEntry, Path], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[..., None] = lambda *_: None,
) -> ExportReport:
    return write_export(plan, jobs or {}, fetch, progress, stop)


def manifest(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "export.zip"


def assert_valid(path: Path) -> None:
    """Every unzipper here accepts the archive."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    for command in (["unzip", "-tqq"], ["7z", "t", "-bso0", "-bsp0"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "warning" not in (done.stdout + done.stderr).lower()


def assert_matches(path: Path) -> dict[str, Any]:
    """The manifest names exactly the files there are, with their true sizes and checksums."""
    found = manifest(path)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {entry["path"] for entry in found["items"]} | {"manifest.json"}
        for entry in found["items"]:
            data = archive.read(entry["path"])
            assert entry["file_size"] == len(data)
            assert entry["sha256"] == hashlib.sha256(data).hexdigest()
            assert entry["crc32"] == f"{zlib.crc32(data):08x}"
    return found


def test_every_unzipper_accepts_an_export_and_the_manifest_is_true(folder: Path, target: Path) -> None:
    sizes = (0, 1, 1000, 1 << 20, (1 << 20) + 1, 3_000_000)
    items = [item(folder, n, os.urandom(size)) for n, size in enumerate(sizes)]
    items.append(item(folder, 90, b"png", type=MediaType.IMAGE, path="images/a.png", file_size=3, sha256=None))
    (folder / "images").mkdir()
    (folder / "images" / "a.png").write_bytes(b"png")
    report = export(plan_export(PROJECT, folder, items, target), jobs={"job-1": job(1)})
    assert report.path == target
    assert (report.files, report.missing) == (7, ())
    assert report.bytes == sum(sizes) + 3
    assert_valid(target)
    found = assert_matches(target)
    assert (found["format"], found["version"]) == ("mediatui-export", 1)
    assert found["project"]["name"] == "Demo"
    assert found["items"][1]["request_id"] == "request-1"
    assert found["items"][1]["prompt"] == "Ein Prompt № 1"
    assert [p.name for p in target.parent.iterdir()] == ["export.zip"]


@pytest.mark.parametrize(
    "command", [["unzip", "-t"], ["7z", "t"], [sys.executable, "-m", "zipfile", "-t"]], ids=["unzip", "7z", "zipfile"]
)
def test_the_unzipper_itself_says_so(folder: Path, target: Path, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    export(plan_export(PROJECT, folder, [item(folder, n, bytes([n]) * 70_000) for n in range(5)], target))
    done = subprocess.run([*command, str(target)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_records_come_back_as_they_were(folder: Path, target: Path) -> None:
    saved = item(folder, 1, b"one", extra={"later": "kept"}, storage_error=None)
    lost = item(folder, 2, None, save_state=SaveState.EXPIRED, url="https://x.invalid/a.mp4")
    export(plan_export(PROJECT, folder, [saved, lost], target), jobs={"job-1": job(1)})
    found = manifest(target)
    assert item_from_document(found["items"][0]["record"], "demo", "item-1") == saved
    assert item_from_document(found["missing"][0]["record"], "demo", "item-2") == lost
    assert job_from_document(found["jobs"][0], "demo", "job-1") == job(1)


def test_an_empty_project_is_an_archive_with_a_manifest(folder: Path, target: Path) -> None:
    report = export(plan_export(PROJECT, folder, [], target))
    assert (report.files, report.bytes) == (0, 0)
    assert_valid(target)
    assert assert_matches(target)["items"] == []


def test_bad_items_are_listed_and_the_rest_is_there(folder: Path, target: Path) -> None:
    good, vanished, odd, again = (item(folder, n, f"file {n}".encode() * 999) for n in range(4))
    remote = item(folder, 4, None, url="https://x.invalid/4.webm", save_state=SaveState.URL_ONLY)
    failing = item(folder, 5, None, url="https://x.invalid/5.mp4", save_state=SaveState.URL_ONLY)
    nothing = item(folder, 6, None)
    again = replace(again, url="https://x.invalid/again.mp4")
    plan = plan_export(PROJECT, folder, [good, vanished, odd, again, remote, failing, nothing], target)
    file_of(folder, vanished).unlink()
    file_of(folder, odd).unlink()
    file_of(folder, odd).mkdir()
    file_of(folder, again).unlink()

    def fetch(entry: ExportEntry, path: Path) -> None:
        assert not path.exists()
        if entry.item is failing:
            path.write_bytes(b"half")
            raise SaveError(SaveErrorKind.SERVER, "the server answered 500")
        path.write_bytes(b"fetched " + entry.item.id.encode())

    report = export(plan, fetch=fetch)
    assert_valid(target)
    found = assert_matches(target)
    assert [entry["id"] for entry in found["items"]] == ["item-0", "item-3", "item-4"]
    reasons = {entry["id"]: entry["reason"] for entry in found["missing"]}
    assert reasons == {one.item.id: one.reason for one in report.missing}
    assert "No such file" in reasons["item-1"]
    assert "not a regular file" in reasons["item-2"]
    assert "the server answered 500" in reasons["item-5"]
    assert "never saved" in reasons["item-6"]
    assert found["items"][2]["path"].endswith(".webm")
    assert "differs_from_index" not in found["items"][2]
    assert [p.name for p in target.parent.iterdir()] == ["export.zip"]


def unreadable_file(tmp_path: Path) -> Path:
    """A file with a size that cannot be opened for reading, not even by root."""
    write_only = sorted(Path("/sys/bus").glob("*/drivers_probe"))
    if os.geteuid() == 0 and not write_only:
        pytest.skip("root reads every file here")
    if write_only:
        return write_only[0]
    path = tmp_path / "unreadable.mp4"
    path.write_bytes(b"x" * 100)
    path.chmod(0)
    return path


def test_an_unreadable_file_is_listed(folder: Path, target: Path, tmp_path: Path) -> None:
    items = [item(folder, n, bytes([n]) * 5000) for n in range(3)]
    plan = plan_export(PROJECT, folder, items, target)
    middle = replace(plan.entries[1], source=unreadable_file(tmp_path))
    report = export(replace(plan, entries=(plan.entries[0], middle, plan.entries[2])))
    assert [one.item.id for one in report.missing] == ["item-1"]
    assert "Permission denied" in report.missing[0].reason
    assert_valid(report.path)
    assert len(assert_matches(report.path)["items"]) == 2


def test_a_file_that_shrinks_while_it_is_read_is_exported_as_far_as_it_went(folder: Path, target: Path) -> None:
    items = [item(folder, n, os.urandom(4 << 20)) for n in range(2)]
    part = target.with_name("export.zip.part")

    def stop() -> bool:
        if part.stat().st_size > 1 << 20:
            os.truncate(file_of(folder, items[0]), 2_500_000)
        return False

    export(plan_export(PROJECT, folder, items, target), stop=stop)
    assert_valid(target)
    first, second = assert_matches(target)["items"]
    assert (first["file_size"], first["differs_from_index"]) == (2_500_000, True)
    assert "differs_from_index" not in second


def test_nothing_may_be_downloaded_without_leave(folder: Path, target: Path) -> None:
    remote = item(folder, 1, None, url="https://x.invalid/1.mp4")
    report = export(plan_export(PROJECT, folder, [remote], target))
    assert "downloads were not allowed" in report.missing[0].reason
    assert_valid(target)


def test_bytes_that_differ_from_the_index_are_exported_as_they_are(folder: Path, target: Path) -> None:
    longer, same_size, shorter, unknown = (item(folder, n, b"x" * 2_000_000) for n in range(4))
    unknown = replace(unknown, sha256=None, crc32=None)
    plan = plan_export(PROJECT, folder, [longer, same_size, shorter, unknown], target)
    file_of(folder, longer).write_bytes(b"y" * 2_500_000)
    file_of(folder, same_size).write_bytes(b"z" * 2_000_000)
    file_of(folder, shorter).write_bytes(b"")
    export(plan)
    assert_valid(target)
    found = assert_matches(target)
    assert [entry.get("differs_from_index") for entry in found["items"]] == [True, True, True, None]


def test_inline_bytes_that_were_never_saved_are_exported(folder: Path, target: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "item-1.spool").write_bytes(b"inline")
    export(plan_export(PROJECT, folder, [item(folder, 1, None, spool="parts/item-1.spool")], target))
    assert assert_matches(target)["items"][0]["file_size"] == 6


def test_names_are_clean_and_unique(folder: Path, target: Path) -> None:
    paths = [
        "videos/a.mp4",
        "videos/sub/a.mp4",
        "videos/A.MP4",
        "videos/con.mp4",
        "videos/b\u202egpj.mp4",
        "videos/ü x.mp4",
    ]
    items = []
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
        items.append(item(folder, number, None, path=path))
    outside = folder.parent / "secret.mp4"
    outside.write_bytes(b"secret")
    (folder / "videos" / "link.mp4").symlink_to(outside)
    items += [
        item(folder, n, None, path=path) for n, path in ((10, "../secret.mp4"), (11, "videos/link.mp4"), (12, "a\0b"))
    ]
    report = export(plan_export(PROJECT, folder, items, target))
    assert_valid(target)
    names = [entry["path"] for entry in assert_matches(target)["items"]]
    assert len({name.casefold() for name in names}) == len(paths)
    assert all(name.startswith("videos/") and name.count("/") == 1 and ".." not in name for name in names)
    assert not any(c in "".join(names) for c in "\u202e \\:")
    assert [one.item.id for one in report.missing] == ["item-10", "item-11", "item-12"]


def test_an_existing_target_is_kept(folder: Path, target: Path) -> None:
    plan = plan_export(PROJECT, folder, [item(folder, 1, b"one")], target)
    target.write_bytes(b"older")
    part = target.with_name("export.zip.part")
    part.write_bytes(b"somebody's download")
    assert export(plan).path == target.with_name("export-2.zip")
    assert export(plan_export(PROJECT, folder, [], target)).path == target.with_name("export-3.zip")
    assert target.read_bytes() == b"older"
    assert part.read_bytes() == b"somebody's download"
    assert sorted(p.name for p in target.parent.iterdir()) == [
        "export-2.zip",
        "export-3.zip",
        "export.zip",
        "export.zip.part",
    ]


def test_stopping_leaves_nothing(folder: Path, target: Path) -> None:
    items = [item(folder, n, bytes(4 << 20)) for n in range(2)]
    plan = plan_export(PROJECT, folder, items, target)
    seen: list[bool] = []

    def stop() -> bool:
        seen.append(target.with_name("export.zip.part").stat().st_size > 2 << 20)
        return seen[-1]

    with pytest.raises(ExportStopped) as caught:
        export(plan, stop=stop)
    assert caught.value.exit_code == 130
    assert seen[-1]
    assert list(target.parent.iterdir()) == []


def test_a_fault_of_ours_leaves_nothing(folder: Path, target: Path) -> None:
    plan = plan_export(PROJECT, folder, [item(folder, 1, b"one")], target)

    def progress(*_: object) -> None:
        raise RuntimeError("a bug in a face")

    with pytest.raises(RuntimeError):
        export(plan, progress=progress)
    assert list(target.parent.iterdir()) == []


def test_progress_ends_with_everything(folder: Path, target: Path) -> None:
    items = [item(folder, n, bytes(3 << 20)) for n in range(3)]
    calls: list[tuple[Any, ...]] = []
    export(plan_export(PROJECT, folder, items, target), progress=lambda *call: calls.append(call))
    assert calls[0] == (0, 3, 0, 9 << 20, "videos/AI-Video-model-0.mp4")
    assert calls[-1] == (3, 3, 9 << 20, 9 << 20, "")
    assert [call[2] for call in calls] == sorted(call[2] for call in calls)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    with tmpfs(place, "size=4m"):
        yield place


def test_a_full_disk_is_told_and_nothing_else_is_touched(folder: Path, small_disk: Path) -> None:
    (small_disk / "other.txt").write_bytes(b"other")
    items = [item(folder, n, os.urandom(3 << 20)) for n in range(2)]
    plan = plan_export(PROJECT, folder, items, small_disk / "export.zip")
    with pytest.raises(StorageBlocked, match="needs 6") as early:
        export(plan)
    assert early.value.kind is SaveErrorKind.FULL
    with pytest.raises(StorageBlocked, match="No space") as late:
        export(replace(plan, bytes=0))
    assert "another target" in late.value.hint
    assert [p.name for p in small_disk.iterdir()] == ["other.txt"]
    assert export(replace(plan, entries=plan.entries[:1], bytes=3 << 20)).files == 1


def test_a_download_that_fills_the_disk_costs_only_itself(folder: Path, small_disk: Path) -> None:
    items = [item(folder, 1, None, url="https://x.invalid/1.mp4"), item(folder, 2, b"small")]
    plan = plan_export(PROJECT, folder, items, small_disk / "export.zip")
    report = export(plan, fetch=lambda entry, path: fill(path))
    assert [one.item.id for one in report.missing] == ["item-1"]
    assert "No space left" in report.missing[0].reason
    assert_matches(report.path)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_archive_write import PROJECT, item
from mediatui.archive.plan import plan_export
from mediatui.archive.write import write_export

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
items = [item(folder, n, bytes(1 << 20)) for n in range(8)]
chunks = 0

def stop():
    global chunks
    chunks += 1
    if chunks == 10:
        print("midway", flush=True)
        sys.stdin.read()
    return False

write_export(plan_export(PROJECT, folder, items, target), {}, None, lambda *_: None, stop)
"""


def test_a_killed_export_leaves_no_file_of_that_name(folder: Path, target: Path) -> None:
    arguments = [sys.executable, "-c", KILLED, str(folder), str(target), str(Path(__file__).parent)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "midway\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not target.exists()
    assert [p.name for p in target.parent.iterdir()] == ["export.zip.part"]
    assert export(plan_export(PROJECT, folder, [item(folder, 1, b"one")], target)).path == target
    assert_valid(target)
