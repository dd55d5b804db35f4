"""``check``, ``repair`` and ``selftest`` as a person runs them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import MediaItem, MediaType, SaveState


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one project of one saved file."""
    folder = tmp_path / "data"
    library = Library(Locations(folder, tmp_path / "config.toml", tmp_path / "state", tmp_path / "cache"))
    project = library.create("Demo")
    path = project.folder / "videos" / "a.mp4"
    path.parent.mkdir()
    path.write_bytes(b"12345")
    digest = hashlib.sha256(b"12345").hexdigest()
    item = MediaItem(
        "aaaa-0", "demo", "a.mp4", MediaType.VIDEO, path="videos/a.mp4", save_state=SaveState.SAVED,
        file_size=5, sha256=digest, created_at=1.0,
    )  # fmt: skip
    project.write_sidecar(item)
    project.commit(items=[item])
    library.close()
    return folder


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    home = data.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    command = [sys.executable, "-m", "mediatui", "--data-dir", str(data), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def document(data: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = run(data, *arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def test_a_sound_project_is_said_to_be_so(data: Path) -> None:
    done = run(data, "check", "--hash")
    assert done.returncode == 0
    assert "1 item, 1 file (5 B), 1 compared byte by byte: all is well" in done.stdout
    assert "demo: 100 % read" in done.stderr
    code, report = document(data, "check", "-p", "Demo")
    assert (code, report["clean"], report["projects"][0]["findings"]) == (0, True, [])


def test_rot_is_found_only_by_reading(data: Path) -> None:
    (data / "projects/demo/videos/a.mp4").write_bytes(b"12346")
    assert run(data, "check").returncode == 0
    done = run(data, "check", "--hash")
    assert done.returncode == 1
    assert "videos/a.mp4: its content is not what was saved" in done.stdout
    assert "mediatui retry aaaa-0" in done.stdout


def test_a_repair_is_shown_first_and_then_done(data: Path) -> None:
    dropped = data / "projects/demo/images/b.png"
    dropped.parent.mkdir()
    dropped.write_bytes(b"picture")
    assert run(data, "check").returncode == 1
    planned = run(data, "repair")
    assert planned.returncode == 0
    assert "images/b.png: make it an item, from the file alone" in planned.stdout
    assert "add --yes" in planned.stderr
    assert run(data, "check").returncode == 1
    code, done = document(data, "repair", "-p", "demo", "--adopt", "--yes")
    assert code == 0
    assert done["done"]
    assert [step["action"] for step in done["projects"][0]["steps"]] == ["adopt"]
    assert run(data, "check", "--hash").returncode == 0
    assert "nothing to repair" in run(data, "repair").stdout


def test_damage_is_accepted_by_name(data: Path) -> None:
    index = data / "projects/demo/index.jsonl"
    index.write_bytes(index.read_bytes().replace(b'"created_at":1.0', b'"created_at":2.0'))
    code, report = document(data, "check")
    assert code == 1
    assert "damage" in [finding["kind"] for finding in report["projects"][0]["findings"]]
    assert run(data, "repair", "--accept", "--yes").returncode == 0
    assert run(data, "check").returncode == 0
    assert index.with_name("index.jsonl.1").exists()


def test_a_project_that_cannot_be_opened_is_named(data: Path) -> None:
    broken = data / "projects/broken/index.jsonl"
    broken.mkdir(parents=True)
    code, report = document(data, "check")
    assert code == 1
    assert {project["project"]: project["clean"] for project in report["projects"]} == {"demo": True, "broken": False}
    assert run(data, "repair").returncode == 1


def test_an_unknown_project(data: Path) -> None:
    assert run(data, "check", "-p", "nothing").returncode == 2


def test_selftest_answers_in_words_and_json(data: Path) -> None:
    (data.parent / "try").mkdir()
    done = run(data, "selftest", "--seconds", "1", "--folder", str(data.parent / "try"), "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["safe"]) == (0, True)
    assert {outcome["check"] for outcome in found["outcomes"]} >= {"kill -9", "locks", "full disk", "flipped bits"}
    assert "safe for projects" in found["words"]
    assert list((data.parent / "try").iterdir()) == []
    assert run(data, "selftest", "--seconds", "0").returncode == 2


def test_selftest_where_nothing_can_be_written(data: Path) -> None:
    (data.parent / "file").write_bytes(b"")
    done = run(data, "--data-dir", str(data.parent / "file" / "below"), "selftest")
    assert done.returncode == 1
    assert "could not write in" in done.stderr
