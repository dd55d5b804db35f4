"""Progress of a real generation on a real terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess

import pyte
from tests.cli.home import PROGRAM, Home


def on_terminal(
    home: Home, *arguments: str, columns: int = 100, lines: int = 20, interrupt_at: bytes = b""
) -> tuple[int, list[str], bytes]:
    """Run a command on a terminal of its own: its exit code, the screen it leaves, and everything it sent."""
    ours, theirs = pty.openpty()
    environment = {**home.environment, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(lines)}
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=home.root, env=environment
    )
    os.close(theirs)
    sent = b""
    while data := _read(ours):
        sent += data
        if interrupt_at and interrupt_at in sent:
            process.send_signal(signal.SIGINT)
            interrupt_at = b""
    os.close(ours)
    screen = pyte.Screen(columns, lines)
    pyte.ByteStream(screen).feed(sent)
    return process.wait(), [line.rstrip() for line in screen.display if line.strip()], sent


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side is gone
        return b""


def test_each_job_has_one_line_that_ends_in_its_file(home: Home) -> None:
    code, shown, sent = on_terminal(
        home, "generate", "calm", "-p", "demo", "-m", "sandbox/text-to-audio", "-m", "sandbox/text-to-image",
        "seconds_total=0.2", "image_size=square", columns=300,
    )  # fmt: skip
    assert code == 0
    assert len(shown) == 2
    assert all(" saved " in line and str(home.projects / "demo") in line for line in shown)
    assert shown[0].startswith("sandbox/text-to-audio")
    assert b"running" in sent


def test_a_failure_says_why(home: Home) -> None:
    code, shown, _ = on_terminal(
        home, "generate", "calm", "-m", "sandbox/text-to-audio", "sandbox_fault=exhausted-balance", columns=200
    )
    assert code == 4
    assert len(shown) == 2
    assert "failed: " in shown[0]
    assert "balance" in shown[1]


def test_rows_are_cut_to_the_terminal(home: Home) -> None:
    home.run("projects", "new", "a very long project name that does not fit on any narrow terminal")
    code, shown, _ = on_terminal(home, "projects", columns=40)
    assert code == 0
    assert len(shown) == 2
    assert shown[1].endswith("…")


def test_an_interruption_is_told_on_a_line_of_its_own(home: Home) -> None:
    code, shown, sent = on_terminal(
        home, "generate", "calm", "-m", "sandbox/text-to-audio", "sandbox_fault=slow-queue", interrupt_at=b"queued"
    )
    assert code == 130
    assert b"\r\n\r\nmediatui: interrupted" in sent.replace(b"\x1b[J", b""), "after ^C, which stands on the line before"
    assert shown[-1].strip().startswith("The jobs go on at the provider")
    assert sent.endswith(b"\n")
