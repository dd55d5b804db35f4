"""A stdout or stderr that takes nothing: words and an exit code, never a traceback; the work itself goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.home import PROGRAM, SECONDS, Home
from tests.providers.test_plugins import example

from mediatui.providers.plugins import GROUP

FULL = Path("/dev/full")
BUFFERED = {"PYTHONUNBUFFERED": ""}
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


def shell(home: Home, line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$M` is the program."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        cwd=home.root,
        env={**home.environment, "M": " ".join(PROGRAM), **environment},
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["--version", "--help", "list --help", "path", "path --json", "list --version"])
def test_a_full_stdout_is_told_in_words(home: Home, command: str, environment: dict[str, str]) -> None:
    done = shell(home, f"$M {command} > {FULL}", environment)
    wanted = 2 if command == "list --version" else 1
    assert (done.returncode, "Traceback" in done.stderr) == (wanted, False), done.stderr
    if wanted == 1:
        assert "cannot write the output" in done.stderr


@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("command", ["--version", "--help", "path"])
def test_a_reader_that_goes_away_is_no_traceback(home: Home, command: str, environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [*PROGRAM, command], stdout=closed, stderr=subprocess.PIPE, encoding="utf-8", timeout=SECONDS,
            env={**home.environment, **environment}, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
def test_without_anybody_to_read_messages_code_and_document_still_tell(home: Home, environment: dict[str, str]) -> None:
    refused = shell(home, f"$M show nothing --json 2> {FULL}", environment)
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["code"] == 2
    made = shell(home, f"$M generate x -m sandbox/text-to-image image_size=square --json 2> {FULL}", environment)
    assert made.returncode == 0
    assert [item["save_state"] for item in json.loads(made.stdout)["items"]] == ["saved"]


CHATTY = """
import atexit, os, subprocess, sys
from mediatui_easel_quiet import make as quiet

atexit.register(print, "at the end")

def make(settings):
    print("by print")
    sys.stdout.buffer.write(b"by bytes\\n")
    sys.__stdout__.write("by the first stdout\\n")
    subprocess.run(["echo", "by a child"], check=True)
    os.write(1, b"by its number\\n")
    return quiet(settings)

make.mediatui_protocol = 1
"""
CHATTER = {"by print", "by bytes", "by the first stdout", "by a child", "by its number", "at the end"}


@pytest.fixture
def chatty(home: Home, tmp_path: Path) -> dict[str, str]:
    """The environment in which a plug-in that prints is installed."""
    site = tmp_path / "site"
    info = site / "mediatui_easel-1.dist-info"
    info.mkdir(parents=True)
    (site / "mediatui_easel_quiet.py").write_text(example())
    (site / "mediatui_easel.py").write_text(CHATTY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mediatui-easel\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\neasel = mediatui_easel:make\n")
    home.configure('[providers.easel]\nkey = "k"\nbase_url = "http://127.0.0.1:9"\n')
    return {"PYTHONPATH": str(site)}


@pytest.mark.parametrize("environment", [BUFFERED, UNBUFFERED], ids=["buffered", "unbuffered"])
def test_what_a_plugin_prints_goes_to_stderr(home: Home, chatty: dict[str, str], environment: dict[str, str]) -> None:
    done = home.run("auth", "check", "easel", "--json", **chatty, **environment)
    assert [each["name"] for each in done.document["providers"]] == ["easel"]
    assert set(done.err.splitlines()) >= CHATTER
    for_people = home.run("auth", "check", "easel", **chatty, **environment)
    assert "easel" in for_people.out
    assert not CHATTER & set(for_people.out.splitlines())


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stderr", [f"2> {FULL}", "2>&-"])
def test_a_plugin_that_prints_where_nobody_can_read_goes_on(home: Home, chatty: dict[str, str], stderr: str) -> None:
    done = shell(home, f"$M auth check easel --json {stderr}", {**chatty, **BUFFERED})
    assert (done.returncode, json.loads(done.stdout)["providers"][0]["state"]) == (0, "usable")


@pytest.mark.parametrize("command", ["--data-dir below list", "export nothing", "import x.zip", "selftest --folder x"])
def test_a_current_folder_that_is_gone(home: Home, command: str) -> None:
    done = shell(home, f'mkdir gone && cd gone && rmdir ../gone && PYTHONPATH="$SRC" $M {command}', _source())
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "this should not have happened" not in done.stderr
    assert list(home.root.rglob("crash-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_after_the_end_is_no_traceback(home: Home, number: signal.Signals) -> None:
    """The interpreter still takes its time to end when a command has."""
    code = (
        f"import atexit, os, sys; atexit.register(os.kill, os.getpid(), {int(number)});"
        "sys.argv = ['mediatui', 'path']; from mediatui.cli.main import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=home.environment, timeout=SECONDS
    )
    assert (done.returncode, done.stderr) == (-number, "")
    assert done.stdout.startswith("data ")


def _source() -> dict[str, str]:
    return {"SRC": str(Path(__file__).parents[2] / "src")}
