"""Plans: what an export would hold, before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mediatui.archive.plan import plan_export
from mediatui.errors import UsageError
from mediatui.model import MediaItem, MediaType, Project, SaveState

PROJECT = Project("demo", "Démo / one", 0.0)


def remote(number: int, type_: MediaType = MediaType.VIDEO, **changes: Any) -> MediaItem:
    fields: dict[str, Any] = {
        "url": f"https://x.invalid/{number}",
        "model": "fal-ai/a b",
        "created_at": 1_700_000_000.5,
    }
    return MediaItem(f"i{number}", "demo", f"n{number}", type_, **(fields | changes))


def test_counts_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"12345")
    items = [
        remote(1, path="videos/a.mp4", file_size=99),
        remote(2, file_size=1000),
        remote(3),
        remote(4, url=None),
        remote(5, save_state=SaveState.EXPIRED),
        remote(6, url=None, path="videos/gone.mp4", save_state=SaveState.MISSING),
    ]
    plan = plan_export(PROJECT, tmp_path, items, tmp_path / "out.zip")
    assert (plan.files, plan.bytes, plan.unknown_sizes) == (3, 1005, 1)
    assert plan.free > 0
    assert [entry.item.id for entry in plan.missing] == ["i4", "i5", "i6"]
    reasons = [entry.reason for entry in plan.missing]
    assert "never saved" in reasons[0]
    assert "expired" in reasons[1]
    assert "videos/gone.mp4" in reasons[2]
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"content_type": "video/webm; codecs=vp9"}, ".webm"),
        ({"url": "https://x.invalid/a/b.MOV?token=1"}, ".mov"),
        ({"url": "https://x.invalid/a/b.%2e%2e%2f"}, ".mp4"),
        ({"url": "https://x.invalid/noending"}, ".mp4"),
        ({"url": "http://[broken"}, ".mp4"),
        ({"url": "https://x.invalid/a." + "x" * 300}, "." + "x" * 10),
    ],
)
def test_remote_items_are_named_as_if_saved(tmp_path: Path, changes: dict[str, Any], ending: str) -> None:
    plan = plan_export(PROJECT, tmp_path, [remote(1, **changes)], tmp_path / "o.zip")
    assert plan.entries[0].name == f"videos/AI-Video-fal-ai-a-b-1700000000500{ending}"


def test_the_default_target_is_dated_and_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = plan_export(PROJECT, tmp_path, [], None).target
    assert target.parent == tmp_path
    assert target.name.startswith("Démo-one-20")
    assert target.suffix == ".zip"


def test_a_folder_as_target_gets_a_dated_file(tmp_path: Path) -> None:
    assert plan_export(PROJECT, tmp_path, [], tmp_path).target.parent == tmp_path


def test_taken_names_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    (tmp_path / "a-2.zip").symlink_to(tmp_path / "nowhere")
    assert plan_export(PROJECT, tmp_path, [], tmp_path / "a.zip").target == tmp_path / "a-3.zip"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        plan_export(PROJECT, tmp_path, [], tmp_path / "none" / "a.zip")
