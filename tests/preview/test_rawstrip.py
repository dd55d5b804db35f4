"""A row that writes its own escape codes behaves, to everybody else, like the strip of segments it stands for."""

from __future__ import annotations

from array import array
from typing import Literal

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome
from textual.strip import Strip

from mediatui.tui.widgets.rawstrip import CHANGE, Canvas, RawStrip, full_row, pixel_rows, segments

MARGIN = Style.parse("on #101010")
PIXELS = st.integers(0, 3).map(lambda value: 0xFF000000 | value * 0x204060)
ROWS = st.integers(1, 24).flatmap(lambda n: st.tuples(*(st.lists(PIXELS, min_size=n, max_size=n) for _ in "ab")))


def both(rows: tuple[list[int], list[int]], left: int = 2, right: int = 3) -> tuple[RawStrip, Strip]:
    top, bottom = array("I", rows[0]), array("I", rows[1])
    raw = RawStrip(top, bottom, margins=(left, right), style=MARGIN)
    plain = [Segment(" " * left, MARGIN), *segments(top, bottom), Segment(" " * right, MARGIN)]
    return raw, Strip([each for each in plain if each.text], left + len(top) + right)


def cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(character, style) for text, style, _ in strip for character in text]


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 30), st.integers(0, 30), st.lists(st.integers(1, 29), unique=True).map(sorted))
def test_every_operation_equals_that_of_plain_strips(
    rows: tuple[list[int], list[int]], start: int, end: int, cuts: list[int]
) -> None:
    def fresh() -> tuple[RawStrip, Strip]:
        return both(rows)

    raw, plain = fresh()
    assert raw.cell_length == plain.cell_length
    assert raw.cell_count == plain.cell_count
    assert raw.text == plain.text
    assert raw == plain
    assert bool(raw) == bool(plain)
    raw, plain = fresh()
    assert cells(raw.crop(start, end)) == cells(plain.crop(start, end))
    raw, plain = fresh()
    assert [cells(part) for part in raw.divide(cuts)] == [cells(part) for part in plain.divide(cuts)]
    raw, plain = fresh()
    other = Strip([Segment("xy", MARGIN)], 2)
    assert cells(Strip.join([other, raw, other])) == cells(Strip.join([other, plain, other]))
    raw, plain = fresh()
    tint = Monochrome()
    background = Color.parse("black")
    assert cells(raw.apply_filter(tint, background)) == cells(plain.apply_filter(tint, background))
    raw, plain = fresh()
    assert cells(raw.apply_style(Style(bold=True))) == cells(plain.apply_style(Style(bold=True)))
    raw, plain = fresh()
    assert cells(raw.simplify().discard_meta()) == cells(plain.simplify().discard_meta())
    for width in (plain.cell_length - 2, plain.cell_length + 4):
        raw, plain = fresh()
        assert cells(raw.adjust_cell_length(width, MARGIN)) == cells(plain.adjust_cell_length(width, MARGIN))


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_a_terminal_shows_the_same(rows: tuple[list[int], list[int]]) -> None:
    raw, plain = both(rows)
    assert shown(raw.render(console()), 40) == shown(plain.render(console()), 40)


def test_whole_rows_reach_the_terminal_uncut() -> None:
    """What the compositor does with a row nothing lies over: the strip itself must come out again."""
    raw, _ = both(([1] * 8, [2] * 8))
    assert raw.divide([raw.cell_length])[0] is raw
    assert raw.crop(0, raw.cell_length) is raw


def test_fewer_colours_get_textuals_own_rendering() -> None:
    canvas = Canvas()
    top, bottom = array("I", [0xFF204061] * 8), array("I", [0xFF000001] * 8)
    raw = canvas.hand_out(0, RawStrip(top, bottom, canvas=canvas))
    assert raw.render(console("256")) == Strip(segments(top, bottom), 8).render(console("256"))
    assert "38;2" not in raw.render(console("256"))
    assert not raw.written


def console(colours: Literal["truecolor", "256"] = "truecolor") -> Console:
    made = Console(color_system=colours, force_terminal=True)
    assert made._color_system in (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT)
    return made


def shown(output: str, columns: int, screen: pyte.Screen | None = None) -> list[tuple[str, str, str]]:
    screen = screen or pyte.Screen(columns, 1)
    pyte.Stream(screen).feed(f"\x1b[H{output}")
    return [(c.data, c.fg, c.bg) for c in (screen.buffer[0][x] for x in range(columns))]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_changes_alone_lead_to_the_whole_picture(data: st.DataObject) -> None:
    width = data.draw(st.integers(2, 20))
    row = st.lists(PIXELS, min_size=width, max_size=width)
    canvas, screen = Canvas(tolerance=0), pyte.Screen(width + 5, 1)
    for _ in range(data.draw(st.integers(2, 6))):
        rows = (data.draw(row), data.draw(row))
        top, bottom = array("I", rows[0]), array("I", rows[1])
        strip = canvas.hand_out(0, RawStrip(top, bottom, margins=(2, 3), style=MARGIN, canvas=canvas, y=0))
        found = shown(strip.render(console()), width + 5, screen)
        assert found == shown(both(rows)[1].render(console()), width + 5)
        if data.draw(st.booleans()):  # somebody else writes over it, through the strip or past it
            pyte.Stream(screen).feed("\x1b[H!!!!")
            if data.draw(st.booleans()):
                strip.crop(1, 2)
            else:
                canvas.hand_out(0, RawStrip(top, bottom, margins=(2, 3), style=MARGIN, canvas=canvas, y=0))
    assert screen.cursor.x <= width + 5


def test_nothing_changed_costs_next_to_nothing() -> None:
    canvas = Canvas()
    top, bottom = array("I", range(100)), array("I", range(100, 200))
    whole = canvas.write(0, top, bottom)
    assert canvas.write(0, top, bottom) == "\x1b[100C"
    assert len(whole) > 1000
    assert canvas.whole_rows == 1


@pytest.mark.parametrize(("step", "redrawn"), [(CHANGE, False), (CHANGE + 1, True)])
def test_small_changes_of_colour_are_let_be_and_do_not_add_up(step: int, redrawn: bool) -> None:
    canvas = Canvas()
    canvas.write(0, array("I", [100] * 8), array("I", [100] * 8))
    assert ("▀" in canvas.write(0, array("I", [100 + step] * 8), array("I", [100] * 8))) == redrawn
    assert "▀" in canvas.write(0, array("I", [100 + 2 * step] * 8), array("I", [100] * 8))


def test_flat_rows_stay_flat() -> None:
    rows = pixel_rows(bytes((10, 20, 30, 255)) * 12, 4)
    assert len(rows) == 3
    assert len(set(rows[0])) == 1
    assert full_row(rows[0], rows[1]).count("\x1b[38") == 1
