"""Hostile texts through the commands: for people and as JSON, to a pipe and in names of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.support.app_killing import Desk
from tests.support.fal_server import FalServer
from tests.support.hostile import ALL, CONTROLS, MARKUP, HostileService, fill, nothing_outside, nothing_raw

READERS = (
    ("projects", "list"),
    ("list",),
    ("list", "--filter", "[/]"),
    ("jobs", "list"),
    ("models", "--sandbox"),
    ("logs",),
    ("check",),
    ("usage",),
    ("duplicates",),
    ("trash", "--list"),
    ("templates",),
    ("config", "show"),
    ("auth", "check"),
    ("doctor",),
    ("path",),
    ("clean", "unsaved", "failed-jobs", "orphans", "parts"),
    ("repair",),
)
SECONDS = 60


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    found = Desk(tmp_path_factory.mktemp("home"))
    fill(found.locations)
    return found


def run(desk: Desk, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run a command; nothing hostile came out of it, and nothing went wrong inside."""
    done = subprocess.run(
        [sys.executable, "-m", "mediatui", *arguments],
        input=stdin,
        capture_output=True,
        env=desk.environment,
        cwd=desk.root,
        timeout=SECONDS,
    )
    for output in (done.stdout, done.stderr):
        nothing_raw(output, arguments)
        assert b"\x1b" not in output, (arguments, output)
        assert b"should not have happened" not in output, (arguments, output)
        assert b"Traceback" not in output, (arguments, output)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_what_commands_say(desk: Desk, arguments: tuple[str, ...]) -> None:
    run(desk, *arguments)
    _, said, _ = run(desk, *arguments, "--json")
    if said:
        json.loads(said)


def test_every_item_and_job_in_full(desk: Desk) -> None:
    _, said, _ = run(desk, "list", "--json")
    items = json.loads(said)["items"]
    assert len(items) == len(ALL)
    shown = {}
    for item in items[:6]:
        run(desk, "show", item["id"])
        shown[item["id"]] = json.loads(run(desk, "show", item["id"], "--json")[1])
    assert len(shown) == 6
    _, said, _ = run(desk, "list")
    for text in MARKUP[:3]:
        assert text.encode() in said


@pytest.mark.parametrize("number", [2, 17, 24, 38])
def test_arguments_and_names(tmp_path: Path, number: int) -> None:
    desk = Desk(tmp_path)
    text = ALL[number].replace("\x00", "").encode("utf-8", "replace").decode()[:400]
    code, _, _ = run(desk, "projects", "new", "--", f"n {text}")
    assert code == 0
    code, _, _ = run(
        desk, "generate", "-m=sandbox/text-to-image", "--param=image_size=square", f"-p=n {text}", "--", f"p {text}"
    )
    assert code == 0, text
    _, said, _ = run(desk, "list", "--json")
    (item,) = json.loads(said)["items"]
    assert run(desk, "rename", item["id"], "--", text)[0] in (0, 2)
    assert run(desk, "tag", item["id"], f"--add=t{text}")[0] in (0, 2)
    assert run(desk, "note", item["id"], f"--text={text}")[0] == 0
    assert run(desk, "list", f"--filter=prompt:{text}")[0] in (0, 2)
    run(desk, "show", "--", text)
    names = ("--names={prompt}-{name}-{model}", f"--output={tmp_path / 'out'}", "--folder")
    assert run(desk, "export", *names, "--", f"n {text}")[0] in (0, 2)
    assert run(desk, "export", f"--output={tmp_path / 'out.zip'}", "--", item["project"])[0] == 0
    if (tmp_path / "out").exists():
        nothing_outside(tmp_path / "out")
    nothing_outside(desk.root / "data")


def test_a_prompt_that_is_no_text(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    code, _, said = run(
        desk, "generate", "-", "-m", "sandbox/text-to-image", stdin=b"\xff\xfe\x00\x80 a fox \xed\xa0\x80"
    )
    assert code in (0, 2), said


def test_a_setting_that_is_no_text_leaves_the_settings_readable(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for text in (b"a\xffb", *(t.replace("\x00", "").encode("utf-8", "replace") for t in CONTROLS[7:9])):
        done = subprocess.run(
            [sys.executable.encode(), b"-m", b"mediatui", b"config", b"set", b"default_project", text],
            capture_output=True,
            env=desk.environment,
            timeout=SECONDS,
        )
        assert b"should not have happened" not in done.stderr, (text, done.stderr)
        nothing_raw(done.stdout + done.stderr)
        assert run(desk, "config", "check")[0] == 0, text
        assert run(desk, "projects", "list")[0] == 0, text


def test_a_hostile_service_through_the_commands(tmp_path: Path) -> None:
    desk, server = Desk(tmp_path), FalServer()
    service = HostileService(server)
    service.config(tmp_path / "config" / "mediatui" / "config.toml")
    try:
        run(desk, "models")
        run(desk, "models", "--json")
        for turn in range(2, len(ALL), 14):
            service.turn = turn
            run(desk, "generate", f"p {turn}", "-m", "hostile/model", "-p", "Results")
        assert len(server.submits) == len(range(2, len(ALL), 14))
        run(desk, "list")
        run(desk, "jobs")
        run(desk, "logs")
        assert list((tmp_path / "data").rglob("*.png"))
        nothing_outside(tmp_path / "data")
    finally:
        server.close()


def test_names_inside_an_archive_lead_nowhere(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    evil = tmp_path / "evil.zip"
    names = [
        "../outside.png",
        "/absolute.png",
        "a/../../outside.png",
        "C:\\windows.png",
        "\x1b[7777mHOSTILE.png",
        "CON.png",
        "images/\u202egnp.exe.png",
        "images/fine.png",
    ]
    with zipfile.ZipFile(evil, "w") as archive:
        for name in names:
            archive.writestr(name, (desk.root / "no").name.encode())
        archive.writestr("manifest.json", json.dumps({"format": "mediatui", "items": [{"path": n} for n in names]}))
    before = set(tmp_path.rglob("*"))
    run(desk, "import", str(evil), "--plan")
    run(desk, "import", str(evil))
    assert not {p.name for p in set(tmp_path.rglob("*")) - before} & {"outside.png", "absolute.png", "windows.png"}
    if (desk.root / "data").exists():
        nothing_outside(desk.root / "data")
    assert not os.path.exists("/absolute.png")
