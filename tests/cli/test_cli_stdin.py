"""What comes on stdin: text, no text, nothing, and no stdin at all."""

from __future__ import annotations

import subprocess

import pytest
from tests.cli.home import PROGRAM, SECONDS, Home

READS = {
    "a prompt": ("generate", "-", "-m", "sandbox/text-to-image", "--json"),
    "notes": ("note", "abcd", "--text", "-"),
    "a template": ("templates", "save", "name", "-"),
    "a key": ("auth", "set", "fal"),
}


def run(home: Home, words: tuple[str, ...], given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *words], input=given, capture_output=True, timeout=SECONDS, cwd=home.root, check=False,
        env=home.environment,
    )  # fmt: skip


@pytest.mark.parametrize("words", READS.values(), ids=READS)
def test_what_is_no_text_is_refused_and_goes_nowhere(home: Home, words: tuple[str, ...]) -> None:
    done = run(home, words, b"caf\xe9 \xff\xfe")
    assert (done.returncode, b"not text in UTF-8" in done.stderr) == (2, True), done.stderr
    assert not home.projects.exists()
    assert not (home.root / "config" / "mediatui" / "config.toml").exists()


@pytest.mark.parametrize("words", READS.values(), ids=READS)
def test_a_closed_stdin_is_an_empty_one(home: Home, words: tuple[str, ...]) -> None:
    program = " ".join(f"'{word}'" for word in (*PROGRAM, *words))
    done = subprocess.run(
        ["/bin/sh", "-c", f"{program} <&-"], capture_output=True, text=True, timeout=SECONDS, cwd=home.root,
        env=home.environment, check=False,
    )  # fmt: skip
    assert (done.returncode, "should not have happened" in done.stderr) == (2, False), done.stderr


def test_other_commands_need_no_stdin(home: Home) -> None:
    for command in ("doctor", "list", "config"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"'{PROGRAM[0]}' -m mediatui {command} <&-"], capture_output=True, text=True,
            timeout=SECONDS, cwd=home.root, env=home.environment, check=False,
        )  # fmt: skip
        assert (done.returncode in (0, 1), "should not have happened" in done.stderr) == (True, False), done.stderr


def test_a_mark_of_the_byte_order_and_of_windows_lines_is_no_part_of_a_text(home: Home) -> None:
    assert run(home, ("templates", "save", "name", "-"), b"\xef\xbb\xbfone\r\ntwo").returncode == 0
    (template,) = home.run("templates", "--json").document["templates"]
    assert template["text"] == "one\ntwo"


def test_only_what_is_missing_is_named(home: Home) -> None:
    assert "K=V" not in home.run("generate", "-m", "a/b").err


def test_a_prompt_of_other_bytes_is_never_sent_without_them(home: Home) -> None:
    program = " ".join(f"'{word}'" for word in (*PROGRAM, "-m", "sandbox/text-to-image"))
    program = program.replace("'mediatui'", "mediatui generate \"$(printf 'caf\\351')\"", 1)
    done = subprocess.run(
        ["/bin/sh", "-c", program], capture_output=True, text=True, timeout=SECONDS, cwd=home.root,
        env=home.environment, check=False,
    )  # fmt: skip
    assert (done.returncode, "not text in UTF-8" in done.stderr) == (2, True), done.stderr
    assert not home.projects.exists()
