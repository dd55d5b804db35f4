"""What goes to stdout and stderr, and how it is cut."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.cli.output import Output, cell_width, cut, pad
from mediatui.errors import ErrorKind, ProviderError, UsageError


def test_json_is_the_only_thing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.line("for people")
    output.table(("A",), [("b",)])
    output.note("a message")
    output.emit({"items": ["ü"]})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"items": ["ü"]}
    assert captured.err == "a message\n"


def test_without_json_no_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.emit({"items": []})
    output.line("for people")
    assert capsys.readouterr().out == "for people\n"


def test_a_failure_is_one_document_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).fail(ProviderError(ErrorKind.BILLING, "no money", hint="Top up."), {"jobs": []})
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["jobs"] == []
    assert document["error"]["message"] == "no money"
    assert document["error"]["hint"] == "Top up."
    assert document["error"]["code"] == 4
    assert "no money" in captured.err
    assert "Top up." in captured.err


def test_a_failure_after_the_document_adds_no_second_one(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.emit({"items": []})
    output.fail(UsageError("late"))
    assert json.loads(capsys.readouterr().out) == {"items": []}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("text", ["plain", "ünï 夜 🎬", "lone \udce9 surrogate"])
def test_json_survives_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str, text: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    Output(json=True).emit({"text": text})
    stream.flush()
    assert json.loads(written.getvalue().decode(encoding))["text"] == text


def test_words_survive_an_encoding_that_lacks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    Output().line("夜 done")
    stream.flush()
    assert written.getvalue().endswith(b" done\n")


def test_terminal_controls_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line("a\x1b]0;title\x07b\x9b31m")
    output.note("c\x1b[2Jd")
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\x9b" not in captured.out


def test_tables_align_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("ID", "NAME"), [("夜", "x"), ("abc", "y")])
    header, wide, narrow = capsys.readouterr().out.splitlines()
    assert cell_width(wide[: wide.index("x")]) == cell_width(narrow[: narrow.index("y")]) == header.index("NAME")


class Terminal(io.StringIO):
    """Somewhere to print on that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (200, "ID   SIZE    MODEL       PROMPT"),
        (45, "ID   SIZE    MODEL       PROMPT"),
        (44, "ID   MODEL       PROMPT"),
        (37, "ID   MODEL       PROMPT"),
        (36, "ID   PROMPT"),
        (10, "ID   PROM…"),
        (1, "…"),
    ],
)
def test_a_narrow_terminal_keeps_room_for_the_last_column(
    monkeypatch: pytest.MonkeyPatch, columns: int, header: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [("abc", "100 KB", "some/model", "a lighthouse in a storm")]
    Output().table(("ID", "SIZE", "MODEL", "PROMPT"), rows, spare=("SIZE", "MODEL"))
    assert terminal.getvalue().splitlines()[0] == header


def test_nothing_is_left_out_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    Output().table(("ID", "SIZE", "PROMPT"), [("abc", "100 KB", "a lighthouse in a storm")], spare=("SIZE",))
    assert "100 KB  a lighthouse in a storm" in capsys.readouterr().out


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_cut_never_exceeds_the_width(text: str, width: int) -> None:
    short = cut(text, width)
    assert cell_width(short) <= width
    assert short == text or short.endswith("…")


@given(st.text(max_size=10))
def test_pad_fills_to_the_width(text: str) -> None:
    assert cell_width(pad(text, 30)) == 30
