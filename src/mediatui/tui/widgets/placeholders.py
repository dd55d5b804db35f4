"""Kitty's Unicode placeholders: pictures made of characters, so that scrolling and clipping just work.

A picture is sent once under a number; cells then name that number in their colour, and row and column in two
combining characters. See https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders.
"""

from __future__ import annotations

import base64

from mediatui.tui.terminal.tmux import wrapped

PLACEHOLDER = "\U0010eeee"
CHUNK = 4096
"""Bytes of payload in one sequence, as the protocol says."""

_RANGES = """
0305 030d-030e 0310 0312 033d-033f 0346 034a-034c 0350-0352 0357 035b 0363-036f 0483-0487 0592-0595 0597-0599
059c-05a1 05a8-05a9 05ab-05ac 05af 05c4 0610-0617 0657-065b 065d-065e 06d6-06dc 06df-06e2 06e4 06e7-06e8 06eb-06ec
0730 0732-0733 0735-0736 073a 073d 073f-0741 0743 0745 0747 0749-074a 07eb-07f1 07f3 0816-0819 081b-0823 0825-0827
0829-082d 0951 0953-0954 0f82-0f83 0f86-0f87 135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb
1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1
2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38
1d185-1d189 1d1aa-1d1ad 1d242-1d244
"""


def _marks() -> tuple[str, ...]:
    found: list[str] = []
    for word in _RANGES.split():
        first, _, last = word.partition("-")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return tuple(found)


MARKS = _marks()
"""The combining characters that count rows and columns from 0: those of class 230 in Unicode 6.0 that neither
decompose nor melt into the character before."""

LIMIT = len(MARKS)
"""Rows, and columns, a picture can have."""


def sequence(keys: str, payload: str = "", *, tmux: bool = False) -> str:
    """One command of the graphics protocol."""
    text = f"\x1b_G{keys};{payload}\x1b\\" if payload else f"\x1b_G{keys}\x1b\\"
    return wrapped(text) if tmux else text


def sending(number: int, png: bytes, columns: int, rows: int, *, tmux: bool = False) -> str:
    """Everything that makes a picture known under a number and lays it over `columns` by `rows` placeholders."""
    payload = base64.b64encode(png).decode("ascii")
    out = []
    for start in range(0, len(payload), CHUNK):
        more = int(start + CHUNK < len(payload))
        keys = f"a=t,f=100,t=d,i={number},q=2,m={more}" if start == 0 else f"m={more},q=2"
        out.append(sequence(keys, payload[start : start + CHUNK], tmux=tmux))
    out.append(sequence(f"a=p,U=1,i={number},c={columns},r={rows},q=2", tmux=tmux))
    return "".join(out)


def deleting(number: int, *, tmux: bool = False) -> str:
    """What frees a picture in the terminal."""
    return sequence(f"a=d,d=I,i={number},q=2", tmux=tmux)


def cells(row: int, columns: int) -> str:
    """The placeholders of one row; each names its row and column, since an overlay may cut the row anywhere."""
    return "".join(PLACEHOLDER + MARKS[row] + MARKS[column] for column in range(columns))
