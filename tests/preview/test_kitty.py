"""Pictures in pixels: sent once, through one writer, replaced by half blocks under anything that tints."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from pathlib import Path

import pytest
from PIL import Image
from rich.cells import cell_len
from tests.tui.conftest import Start, until

from mediatui.tui.terminal.capabilities import Capabilities, Graphics
from mediatui.tui.widgets import placeholders
from mediatui.tui.widgets.kitty import KittyPicture, encoded, make_picture


def test_the_table_counts_to_297_with_marks_that_take_no_room() -> None:
    assert placeholders.LIMIT == 297
    assert len(set(placeholders.MARKS)) == 297
    assert all(unicodedata.combining(mark) == 230 for mark in placeholders.MARKS)
    assert not any(unicodedata.decomposition(mark) for mark in placeholders.MARKS)
    assert placeholders.MARKS[0] == "\u0305"
    assert placeholders.MARKS[-1] == "\U0001d244"


def test_every_cell_names_its_row_and_column() -> None:
    text = placeholders.cells(3, 40)
    assert cell_len(text) == 40
    third = text[6:9]
    assert third == placeholders.PLACEHOLDER + placeholders.MARKS[3] + placeholders.MARKS[2]


@pytest.mark.parametrize("tmux", [False, True])
def test_a_payload_comes_in_chunks_and_whole(tmux: bool) -> None:
    png = bytes(range(256)) * 60
    text = placeholders.sending(77, png, 10, 5, tmux=tmux)
    if tmux:
        assert text.startswith("\x1bPtmux;\x1b\x1b_G")
        text = re.sub("\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\\\", lambda m: m[1].replace("\x1b\x1b", "\x1b"), text)
    commands = re.findall("\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\\\", text)
    assert base64.b64decode("".join(payload for _, payload in commands)) == png
    assert all(len(payload) <= placeholders.CHUNK for _, payload in commands)
    assert [re.findall("m=(.)", keys)[:1] for keys, _ in commands[:-1]] == [["1"]] * (len(commands) - 2) + [["0"]]
    assert "U=1" in commands[-1][0]
    assert all("q=2" in keys for keys, _ in commands)


def test_over_a_network_line_a_picture_is_much_smaller(tmp_path: Path) -> None:
    Image.effect_mandelbrot((1280, 720), (-2, -1.2, 0.8, 1.2), 60).convert("RGB").save(tmp_path / "a.png")
    near = encoded(tmp_path / "a.png", None, 100, 28, (10, 20), remote=False)
    far = encoded(tmp_path / "a.png", None, 100, 28, (10, 20), remote=True)
    assert len(far) * 3 < len(near)
    with Image.open(io.BytesIO(far)) as image:
        assert max(image.size) <= 500


def test_only_kitty_gets_pixels() -> None:
    assert isinstance(make_picture(Capabilities(graphics=Graphics.KITTY)), KittyPicture)
    assert not isinstance(make_picture(Capabilities(graphics=Graphics.HALF)), KittyPicture)


async def test_a_modal_in_front_brings_half_blocks_and_leaving_frees_the_picture(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.effect_mandelbrot((64, 48), (-2, -1.2, 0.8, 1.2), 60).convert("RGB").save(tmp_path / "a.png")
    written: list[str] = []
    async with start() as session:
        picture = KittyPicture(Capabilities(graphics=Graphics.KITTY))
        monkeypatch.setattr(picture, "_write", written.append)  # a headless driver writes nowhere
        picture.styles.height = 10
        await session.library.mount(picture)
        await until(lambda: picture.size.width, "a size")
        picture.show(tmp_path / "a.png")
        await until(lambda: picture.in_pixels, "the picture sent")
        assert placeholders.PLACEHOLDER in "".join(picture.render_line(y).text for y in range(10))
        number = picture._number
        await session.press("s")
        await until(lambda: session.app.screen is not session.library, "the menu")
        covered = picture.in_pixels
        assert not covered
        assert "▀" in "".join(picture.render_line(y).text for y in range(10))
        await session.press("escape")
        await until(lambda: session.app.screen is session.library, "the library again")
        assert picture.in_pixels
        assert len(written) == 1
        await picture.remove()
    assert written[-1] == placeholders.deleting(number)


async def test_a_file_that_is_no_picture_is_told_in_words(start: Start, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    async with start() as session:
        picture = KittyPicture(Capabilities(graphics=Graphics.KITTY))
        picture.styles.height = 6
        await session.library.mount(picture)
        await until(lambda: picture.size.width, "a size")
        picture.show(tmp_path / "a.png")
        await until(lambda: "cannot be read" in picture.words, "the words")
        assert not picture.in_pixels
