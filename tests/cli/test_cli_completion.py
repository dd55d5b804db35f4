"""Shell completion: what fits, and that real shells take it."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.home import Home

from mediatui.cli.complete import DIRECTORIES, FILES, Candidate, complete
from mediatui.cli.completion import split_line
from mediatui.cli.main import COMMANDS, build_parser

PATIENCE = 40.0
SOURCES = {
    "PROJECT": lambda given: [Candidate("demo"), Candidate(given.get("data_dir", "none"))],
    "MODEL": lambda given: [Candidate("fal-ai/kling"), Candidate("replicate:owner/name")],
}


def words(*line: str) -> set[str]:
    """What fits after these words, the last one unfinished."""
    return {found.word for found in complete(build_parser(), line[:-1], line[-1], SOURCES)}


def test_every_command_and_option_is_offered() -> None:
    assert words("") == {name for name, _, _ in COMMANDS}
    assert words("li") == {"list"}
    assert {"--json", "--sandbox", "--data-dir", "--quiet-ui"} <= words("-")
    for name, _, _ in COMMANDS:
        if name != "completion":
            assert "--help" in words(name, "--"), name


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (("list", "--state", "un"), {"unsaved"}),
        (("list", "--state=un"), {"--state=unsaved"}),
        (("list", "-p", "d"), {"demo"}),
        (("--json", "list", "--project", "d"), {"demo"}),
        (("--data-dir", "/elsewhere", "list", "-p", "/"), {"/elsewhere"}),
        (("export", "d"), {"demo"}),
        (("generate", "a cat", "-m", "fal"), {"fal-ai/kling"}),
        (("generate", "-m", "x", "-m", "replicate:o"), {"replicate:owner/name"}),
        (("jobs", "l"), {"list"}),
        (("completion", "z"), {"zsh"}),
        (("export", "demo", "-o", "any"), {FILES}),
        (("--data-dir", ""), {DIRECTORIES}),
        (("list", "--", "--st"), set()),
        (("nonsense", "--nothing", ""), {name for name, _, _ in COMMANDS}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_fits_where(line: tuple[str, ...], found: set[str]) -> None:
    assert words(*line) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mediatui ", ([], "")),
        ("mediatui li", ([], "li")),
        ("mediatui list -p 'My pro", (["list", "-p"], "My pro")),
        ('mediatui list -p "My pro', (["list", "-p"], "My pro")),
        (r"mediatui list -p My\ pro", (["list", "-p"], "My pro")),
        ("mediatui list --state=", (["list"], "--state=")),
    ],
)
def test_a_line_is_split_as_the_shell_does(line: str, found: tuple[list[str], str]) -> None:
    assert split_line(line) == found


@pytest.fixture
def filled(home: Home) -> Home:
    """A home with a project, and a catalogue that was asked for once."""
    assert home.run("projects", "new", "Lighthouse film").code == 0
    assert home.run("models", "--sandbox").code == 0
    return home


@contextmanager
def shell(home: Home, *command: str) -> Iterator[tuple[int, list[str]]]:
    """An interactive shell in a pseudo terminal, and what it wrote so far."""
    environment = {**home.environment, "TERM": "xterm", "PS1": "> ", "LANG": "C.UTF-8", "ZDOTDIR": str(home.root)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environment)
    written = [""]
    try:
        yield fd, written
    finally:
        os.close(fd)
        os.waitpid(pid, 0)


def type_until(fd: int, written: list[str], text: str, wanted: str) -> None:
    """Type, and read until the shell shows something."""
    os.write(fd, text.encode())
    end = time.monotonic() + PATIENCE
    start = len(written[0])
    while wanted not in written[0][start:]:
        assert time.monotonic() < end, written[0]
        if select.select([fd], [], [], 0.1)[0]:
            found = os.read(fd, 65536).decode("utf-8", "replace")
            written[0] += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x08", "", found)


STARTS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
SETUP = {
    "bash": "source <(mediatui completion bash); echo rea''dy\n",
    "zsh": "autoload -Uz compinit; compinit -u; source <(mediatui completion zsh); unsetopt zle_bracketed_paste; "
    "echo rea''dy\n",
}


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_real_shell_completes(filled: Home, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    with shell(filled, *STARTS[name]) as (fd, written):
        type_until(fd, written, SETUP[name], "ready")
        type_until(fd, written, "mediatui dup\t", "duplicates ")
        type_until(fd, written, "\x15mediatui list --sta\t", "--state ")
        type_until(fd, written, "\x15mediatui list --state unsa\t", "unsaved ")
        type_until(fd, written, "\x15mediatui list -p Li\t", r"Lighthouse\ film ")
        type_until(fd, written, "\x15mediatui generate x -m sandbox/text-to-i\t", "sandbox/text-to-image ")
        os.write(fd, b"\x15exit\n")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_after_what_it_splits_at(filled: Home) -> None:
    with shell(filled, *STARTS["bash"]) as (fd, written):
        type_until(fd, written, SETUP["bash"], "ready")
        type_until(fd, written, "\x15mediatui list --state=unsa\t", "--state=unsaved ")
        type_until(fd, written, '\x15mediatui list -p "Li\t', '"Lighthouse film" ')
        os.write(fd, b"\x15exit\n")


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes(filled: Home) -> None:
    environment = {**filled.environment, "LANG": "C.UTF-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def ask(line: str) -> list[str]:
        code = f"mediatui completion fish | source; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", code], capture_output=True, text=True, env=environment, check=True
        )
        return done.stdout.splitlines()

    assert ask("mediatui dup") == ["duplicates\tlist items with equal bytes"]
    assert [line.split("\t")[0] for line in ask("mediatui list --state unsa")] == ["unsaved"]
    assert ask("mediatui list -p Li") == ["Lighthouse film\tlighthouse-film"]
