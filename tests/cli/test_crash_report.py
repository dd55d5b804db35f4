"""Crash reports say where, and never show a key."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mediatui.crash import write_crash_report
from mediatui.redact import HIDDEN, redact

FAL_KEY = "0d9f6c1e-7a54-4f0e-9d1b-3c2f5a8b7e6d:9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def failing(secret: str) -> BaseException:
    local = secret
    try:
        raise RuntimeError(f"could not send with {local}")
    except RuntimeError as error:
        return error


def test_a_report_is_private_and_names_the_place(tmp_path: Path) -> None:
    report = write_crash_report(tmp_path / "state", failing("nothing"))
    assert report is not None
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "RuntimeError: could not send with nothing" in text
    assert "in failing" in text
    assert "mediatui 0." in text


def test_configured_secrets_are_taken_out(tmp_path: Path) -> None:
    report = write_crash_report(tmp_path, failing("hunter2-is-my-word"), secrets=["hunter2-is-my-word"])
    assert report is not None
    assert "hunter2" not in report.read_text()
    assert HIDDEN in report.read_text()


def test_secrets_of_the_environment_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "plain looking words")
    assert "plain looking words" not in redact("sent plain looking words to fal")


@pytest.mark.parametrize(
    "text",
    [
        f"raw {FAL_KEY} raw",
        f"Authorization: Key {FAL_KEY}",
        f"{{'authorization': 'Key {FAL_KEY}', 'accept': 'x'}}",
        "Authorization: Bearer abc.def-ghi_jkl",
        f"FAL_KEY={FAL_KEY}",
        "https://e.org/f.mp4?X-Amz-Signature=abcdef0123456789&x=1",
        "https://user:abcdef0123456789@e.org/",
        "api_key='abcdef0123456789'",
        "sk-abcdef0123456789abcdef",
        "https://e.org/f.mp4?sig=abcdef0123456789&x=1",
        "/v1/files/a?alt=media&key=abcdef0123456789",
        "https://abcdef0123456789@e.org/",
        "X-Fal-Key: abcdef0123456789",
        "Cookie: session=abcdef0123456789; theme=dark",
        "b'x-api-key', b'abcdef0123456789'",
        "Bearer: abcdef0123456789",
        "AIzaSyabcdef0123456789abcdef",
        "ya29.abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdef0123456789",
    ],
)
def test_whatever_looks_like_a_key_is_taken_out(text: str) -> None:
    shown = redact(text)
    assert HIDDEN in shown
    for secret in (FAL_KEY, FAL_KEY.partition(":")[2], "abcdef0123456789", "abc.def-ghi_jkl"):
        assert secret not in shown


def test_no_text_takes_long() -> None:
    """Patterns that look at every rest of a word anew take minutes for a line of this length."""
    code = "from mediatui.redact import redact; [redact(t * 60_000) for t in ('a-', 'key=', 'eyJ-', '://', 'token ')]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_ordinary_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "no")
    text = "KeyError: 'duration' in token_count of https://e.org/a/b (no key given)"
    assert redact(text) == text


def test_two_reports_in_one_second_are_two_files(tmp_path: Path) -> None:
    names = {write_crash_report(tmp_path, failing(str(n))) for n in range(3)}
    assert len(names) == 3


def test_an_unwritable_place_is_no_second_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert write_crash_report(tmp_path / "file" / "state", failing("x")) is None
