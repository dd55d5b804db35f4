"""Texts that try to break a terminal, a layout, a markup parser or a path; and a home full of them.

Each control sequence carries a mark of its own, so that one that reaches a terminal is told from those the program
itself writes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.fal_server import Call, FalServer, Reply, png

from mediatui.errors import ErrorKind, SaveErrorKind
from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import Job, JobFault, MediaItem, MediaType, Phase, SaveState, StorageFault

CONTROLS = (
    "\x1b[7777;7771mHOSTILE",
    "\x1b]0;HOSTILE\x07",
    "\x1b]52;c;SE9TVElMRQ==\x07",
    "\x1b]8;;http://hostile.example/\x1b\\HOSTILE\x1b]8;;\x1b\\",
    "\x1bPHOSTILE\x1b\\",
    "\x1b_GHOSTILE\x1b\\",
    "\x1b[?7773h\x1b[7774;1H",
    "\x9b7775m",
    "\x9d52;c;SE9TVElMRQ==\x9c",
    "\x90HOSTILE\x9c",
    "\x07\x08\x0b\x0c\x0e\x0f\x7f",
    "\u202eELITSOH\u202c",
    "\u2066HOSTILE\u2069\u200f\u061c",
    "\u2028\u2029\ufeff\ufff9HOSTILE\ufffb",
    "\x00HOSTILE\x00",
    "\ud800HOSTILE\udfff",
)
MARKUP = (
    "[/]",
    "[@click=app.quit]x[/]",
    "[@click=screen.act('trash')]x[/]",
    "[link=http://hostile.example]x[/link]",
    "[bold]x[/bold][",
    "\\[red]x\\",
    "$primary [$error]x[/]",
    "]][[/]]",
)
SHAPES = (
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "/etc/passwd",
    "~/.ssh/id_rsa",
    "CON",
    "nul.txt",
    "COM1.",
    "a:b|c?d*e<f>\"g'h",
    "...",
    " .hidden ",
    "-rf",
    "%s%n{0}{x}",
    "$(touch x)`touch y`;",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "e" + "\u0301" * 60,
    "ﷺ꧅𒐫",
    "two\nlines\r\nand\rmore",
    "a\ttab",
    "漢字" * 40,
    "x" * 5000,
)
ALL = (*CONTROLS, *MARKUP, *SHAPES)
RAW = (
    b"\x1b[7777",
    b"\x1b]0;HOST",
    b"\x1b]52;c;SE9T",
    b"\x1b]8;;http://hostile",
    b"\x1bPHOST",
    b"\x1b_GHOST",
    b"\x1b[?7773",
    b"\x1b[7774",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xc2\x90",
    b"\xc2\x9c",
    *(c.encode() for c in "\u202e\u202c\u2066\u2069\u200f\u061c\u2028\u2029\ufeff\ufff9\ufffb"),
    b"\xed\xa0\x80",
)
"""Bytes that only a payload brings: none may reach a terminal or a pipe."""


def nothing_raw(output: bytes, where: object = "") -> None:
    """No control sequence of ours came through."""
    for piece in RAW:
        at = output.find(piece)
        assert at < 0, (where, piece, output[max(0, at - 80) : at + 80])


def nothing_outside(root: Path, before: AbstractSet[Path] = frozenset()) -> None:
    """Every file below a folder has a name that every system takes, and nothing leads out of it."""
    for path in {*root.rglob("*")} - before:
        assert path.resolve().is_relative_to(root.resolve()), path
        assert not set(path.name) & set('<>:"\\|?*'), path
        assert path.name.isprintable(), path
        assert path.name.split(".")[0].casefold() not in ("con", "nul", "prn", "aux", "com1"), path
        assert len(path.name.encode()) <= 255, path


# -- a home full of them


def fill(locations: Locations, count: int | None = None) -> tuple[str, ...]:
    """A project whose every text is hostile, as another version or an import may have left it; its items' ids."""
    library = Library(locations)
    project = library.create("Demo [/] \x1b[7777m")
    texts = ALL[:count]
    items = [_item(number, text) for number, text in enumerate(texts)]
    (project.folder / "images").mkdir()
    for number in (0, 1, 2):
        path = f"images/AI-Image-hostile-{number}.png"
        (project.folder / path).write_bytes(_picture(ALL[number]))
        items[number] = replace(items[number], path=path, type=MediaType.IMAGE, save_state=SaveState.SAVED)
        project.commit(items=[items[number]])
        project.write_sidecar(items[number])
    project.commit(items=items, jobs=[_job(number, text) for number, text in enumerate(texts)])
    for text in (CONTROLS[0], MARKUP[1]):
        library.create(f"z {text}")
    library.close()
    return tuple(item.id for item in items)


def _item(number: int, text: str) -> MediaItem:
    fault = StorageFault(SaveErrorKind.NETWORK, text, 1e9, 3)
    return MediaItem(
        id=f"{number:016x}-0",
        project="demo",
        name=text,
        type=MediaType.VIDEO,
        role=text,
        output_path=text,
        provider="fal",
        model=f"hostile/{text}",
        prompt=f"{text} item{number}x",
        params={text: text, "seed": 7},
        job=f"{number:016x}",
        url=f"https://hostile.example/{number}.mp4",
        save_state=SaveState.UNSAVED if number % 2 else SaveState.URL_ONLY,
        storage_error=fault if number % 2 else None,
        content_type=text,
        created_at=1e9 + number,
        tags=(text[:40],),
        notes=text,
        extra={"from": text},
    )


def _job(number: int, text: str) -> Job:
    phases = (Phase.FAILED, Phase.CANCELLED, Phase.SUCCEEDED)
    return Job(
        id=f"{number:016x}",
        project="demo",
        provider="fal",
        model=f"hostile/{text}",
        prompt=text,
        params={text: text},
        inputs={"prompt": text},
        phase=phases[number % 3],
        remote_id=text,
        urls={"status_url": text},
        error=JobFault(ErrorKind.INTERNAL, text, text, text, {text: text}),
        created_at=1e9 + number,
        price=text,
    )


def _picture(text: str) -> bytes:
    """A picture that names itself so."""
    data, body = png(9, 4), b"Title\0" + text.encode("utf-8", "replace")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return data[:33] + chunk + data[33:]


# -- a service full of them


class HostileService:
    """fal's protocol, every text of it hostile; `turn` chooses which."""

    def __init__(self, server: FalServer) -> None:
        self.server, self.turn = server, 0
        server.on |= {"catalogue": self._catalogue, "status": self._status, "result": self._result}
        server.on["file"] = lambda call: Reply(body=png(3, 4), headers={"Content-Type": "image/png"})

    @property
    def text(self) -> str:
        """The text of this turn, as JSON can carry it."""
        return ALL[self.turn % len(ALL)]

    def config(self, path: Path) -> None:
        """Settings that lead here."""
        url = self.server.url
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            "[providers.fal]",
            'key = "id:secret"',
            f'queue_url = "{url}"',
            f'run_url = "{url}/run"',
            f'api_url = "{url}/v1"',
            f'upload_url = "{url}"',
        ]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        path.chmod(0o600)

    def _catalogue(self, call: Call) -> Reply:
        if "openapi" in call.query or "openapi" in call.path:
            return Reply(body={"models": [{"endpoint_id": "hostile/model", "openapi": self.schema()}]})
        if "pricing" in call.path:
            prices = [{"endpoint_id": "hostile/model", "unit_price": 0.1, "unit": self.text, "currency": self.text}]
            return Reply(body={"prices": prices, "has_more": False})
        entries = [
            {
                "endpoint_id": "hostile/model" if not number else f"hostile/{number}/{text[:60]}",
                "metadata": {"display_name": text, "category": "text-to-image", "description": text, "status": text},
            }
            for number, text in enumerate(("", *ALL))
        ]
        return Reply(body={"models": entries, "has_more": False})

    def schema(self) -> dict[str, Any]:
        """A schema whose titles, descriptions, defaults, names and choices are all of them."""
        properties: dict[str, Any] = {"prompt": {"type": "string", "title": self.text, "description": self.text}}
        for number, text in enumerate(ALL):
            properties[f"field {text[:30]}"] = {
                "type": "string",
                "title": text,
                "description": text,
                "default": text,
                **({"enum": [text, *MARKUP]} if number % 2 else {}),
            }
        body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}}
        return {
            "openapi": "3.0.4",
            "paths": {"/hostile/model": {"post": {"requestBody": body}}},
            "components": {"schemas": {"Input": {"type": "object", "properties": properties, "required": ["prompt"]}}},
        }

    def _status(self, call: Call) -> Reply:
        logs = [{"message": text, "level": text, "timestamp": text} for text in ALL]
        count = self.server.count("status")
        state = "COMPLETED" if count % 3 == 0 else "IN_PROGRESS"
        return Reply(body={"status": state, "logs": logs, "queue_position": 0})

    def _result(self, call: Call) -> Reply:
        if self.turn % 4 == 3:
            fields = [{"loc": ["body", self.text], "msg": self.text, "type": self.text}]
            return Reply(422, {"detail": fields})
        file = {"url": f"{self.server.url}/files/a.png", "content_type": self.text, "file_name": self.text}
        return Reply(
            body={"images": [{**file, "file_size": self.text}], self.text: file, "seed": 7, "prompt": self.text}
        )
