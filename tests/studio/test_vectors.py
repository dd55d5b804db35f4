"""Vector pictures: what a browser would run is refused in every spelling, words that only look like it are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediatui.media.magic import SVG, sniff
from mediatui.studio.vectors import is_active

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink">'
FINE = {
    "words": f"{HEAD}<text>Shop online=\"x\" only = 'y'</text></svg>",
    "a value": f"{HEAD}<text aria-label=\"online='x'\" x:title='a &gt; b onload=&quot;x&quot;'/></svg>",
    "words beside a picture": f'{HEAD}<text>online="x"</text><image x:href="data:image/png;base64,eA=="/></svg>',
    "a comment": f'{HEAD}<!-- onload="x" --></svg>',
    "characters": f'{HEAD}<style><![CDATA[ a > b {{ /* online="x" */ }} ]]></style></svg>',
    "coded words": f'{HEAD}<text>o&#110;line="x"</text></svg>',
    "a declaration": f'<?xml version="1.0" standalone="no"?><!DOCTYPE svg PUBLIC "x" "y">{HEAD}<g id="on"/></svg>',
}
ACTIVE = {
    "a handler": f'{HEAD}<g onload="x()"/></svg>',
    "a handler behind a value with an end in it": f'{HEAD}<g id=">" OnLoad = "x()"/></svg>',
    "a handler behind words": f'{HEAD}<text>online="x"</text><g onclick="x()"/></svg>',
    "a handler behind a comment with a quote": f"{HEAD}<!-- ' --><g onload='x()'/></svg>",
    "a handler with a prefix": f'{HEAD}<g x:onload="x()"/></svg>',
    "a handler by default": f'<!DOCTYPE svg [<!ATTLIST g onload CDATA "x()">]>{HEAD}<g/></svg>',
    "a handler in what is not XML": f'{HEAD}<text>a < b</text><g onload="x()"/></svg>',
    "a coded handler": f'{HEAD}<g o&#110;load="x()"/></svg>',
    "words in what is not XML": f'{HEAD}<p><text>online="x"</text></svg>',
    "a handler in an address": f"{HEAD}<use x:href=\"Data:image/svg+xml,%3Csvg onload='x()'/%3E#a\"/></svg>",
    "a script": f"{HEAD}<script>x()</script></svg>",
    "a script with a prefix": f'{HEAD}<s:ScRipt xmlns:s="http://www.w3.org/2000/svg">x()</s:ScRipt></svg>',
    "a page": f"{HEAD}<foreignObject><p>x</p></foreignObject></svg>",
    "an address": f'{HEAD}<a x:href="javascript:x()"/></svg>',
    "an address in pieces": f'{HEAD}<a x:href="&#x6A;ava&#10;scr\tipt&#58;x()"/></svg>',
    "an entity": f'<!DOCTYPE svg [<!ENTITY a "b">]>{HEAD}&a;</svg>',
    "a page in an address": f'{HEAD}<a href="data:text/html,x"/></svg>',
}
CODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be")


def written(folder: Path, text: str, coding: str) -> Path:
    path = folder / "x.svg"
    path.write_bytes((b"\xfe\xff" if coding == "utf-16-be" else b"") + text.encode(coding))
    return path


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("name", FINE)
def test_a_picture_is_taken_for_one(tmp_path: Path, name: str, coding: str) -> None:
    path = written(tmp_path, FINE[name], coding)
    assert (sniff(path.read_bytes()), is_active(path)) == (SVG, False)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("name", ACTIVE)
def test_a_program_is_not(tmp_path: Path, name: str, coding: str) -> None:
    assert is_active(written(tmp_path, ACTIVE[name], coding))


@pytest.mark.parametrize(
    "data",
    [
        FINE["words"].encode("utf-16-le"),
        b"\xff\xfe\0\0" + FINE["words"].encode("utf-32-le"),
        b"\xff\xfe" + FINE["words"].encode("utf-16-le") + b"\0\xd8",
        b"\xff\xfe" + FINE["words"].encode("utf-16-le") + b"x",
        f'<?xml version="1.0" encoding="utf-7"?>{FINE["words"]}'.encode(),
    ],
    ids=["no mark", "four bytes", "half a pair", "half a letter", "another coding"],
)
def test_what_nobody_can_read_for_sure_is_not(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.svg"
    path.write_bytes(data)
    assert is_active(path)
