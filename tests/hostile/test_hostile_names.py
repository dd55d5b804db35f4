"""Whatever a model, a prompt or a project is called, its file name is one that every system takes."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.hostile import ALL

from mediatui.library.files import is_id, media_name
from mediatui.model import MediaType
from mediatui.text import clean_text, file_stem, one_line, slug

RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\s*$|\s*\.|:)", re.IGNORECASE
)
"""Names that belong to devices on Windows, whatever follows the first dot."""
DEVICES = [
    "COM\u00b9",
    "lpt\u00b3.png",
    "CONIN$",
    "conout$.mp4",
    "con",
    "PRN",
    "aux.txt",
    "NUL",
    "com1",
    "LPT9.tar.gz",
    "COM0",
    "con .txt",
    "nul.",
    "CON\t",
    "aux\x00",
]
TEXTS = (
    st.text()
    | st.text(st.characters(categories=["Cc", "Cf", "Zs", "Po", "Mn", "Cs", "So"]), max_size=40)
    | st.sampled_from([*DEVICES, *ALL])
    | st.builds(
        "{}{}{}".format, st.sampled_from(DEVICES), st.sampled_from([".", " ", "-", ":", "/", ""]), st.text(max_size=5)
    )
)
LIMITS = st.integers(8, 200)
UNSAFE = set('<>:"/\\|?*') | {chr(n) for n in range(32)} | {"\x7f"}


def check(name: str, longest: int) -> None:
    assert name
    assert not UNSAFE & set(name), name
    assert clean_text(name) == one_line(name) == name
    assert name == name.strip(" ."), name
    assert name not in (".", "..")
    assert not RESERVED.match(name), name
    assert Path(name).name == PureWindowsPath(name).name == name
    assert len(name.encode()) <= longest, name


@given(TEXTS, LIMITS)
def test_file_stems(text: str, limit: int) -> None:
    stem = file_stem(text, limit)
    check(stem, limit + len("untitled-"))
    assert file_stem(stem, limit + len("untitled-")) == stem
    assert PureWindowsPath(f"{stem}.png").suffix == ".png"


@given(TEXTS, st.integers(1, 119))
def test_slugs(text: str, limit: int) -> None:
    found = slug(text, limit)
    check(found, limit + len("untitled-"))
    assert found.isascii()
    assert is_id(found)
    assert slug(found, limit + len("untitled-")) == found


@given(st.sampled_from(MediaType), TEXTS, st.integers(0, 2**53), TEXTS)
@example(MediaType.IMAGE, "con", 0, "con")
def test_media_names(kind: MediaType, model: str, moment: int, extension: str) -> None:
    name = media_name(kind, model, moment, extension)
    check(name, 200)
    assert name.startswith(f"{kind.file_prefix}-")
    stem, _, ending = name.rpartition(".")
    assert stem.endswith(f"-{moment}")
    assert ending.isalnum()
    assert media_name(kind, model, moment, extension) == name
