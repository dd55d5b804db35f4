"""A contact sheet as one HTML page: opens offline, runs no script, plays what lies beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mediatui.model import MediaItem, MediaType
from mediatui.text import clean_text, human_bytes, human_duration, one_line, plural

MAX_POSTER = 2 << 20


@dataclass(frozen=True, slots=True)
class Tile:
    """One item: `address` is its file as a URL relative to the sheet, `poster` a JPEG of it."""

    item: MediaItem
    address: str
    poster: Path | None


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: file: 'self'; media-src file: 'self'"
_STYLE = """
:root{color-scheme:dark;--back:#101216;--tile:#191c22;--text:#e6e6e6;--soft:#9aa0aa;--line:#2a2f38;--mark:#f0b849}
*{box-sizing:border-box}
body{margin:0;padding:2rem clamp(1rem,3vw,3rem);background:var(--back);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{margin-bottom:1.5rem}h1{margin:0;font-size:1.6rem;overflow-wrap:anywhere}
header p{margin:.2rem 0;color:var(--soft)}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1.2rem}
article{background:var(--tile);border:1px solid var(--line);border-radius:.6rem;overflow:hidden;
display:flex;flex-direction:column}
.view{aspect-ratio:16/9;background:#000;display:flex;align-items:center;justify-content:center}
.view img,.view video{width:100%;height:100%;object-fit:contain;display:block}.view audio{width:92%}
.view.sound{background-size:cover;background-position:center;align-items:flex-end;padding-bottom:.5rem}
.text{padding:.7rem .9rem .9rem;display:flex;flex-direction:column;gap:.35rem;flex:1}
h2{margin:0;font-size:.95rem;font-weight:600;overflow-wrap:anywhere}h2 a{color:inherit}
.prompt{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:9em;overflow:auto}
.facts{margin:auto 0 0;color:var(--soft);font-size:.82rem;overflow-wrap:anywhere}
.stars{color:var(--mark);letter-spacing:.1em}
.tags span{border:1px solid var(--line);border-radius:1em;padding:.05rem .55rem;
margin-right:.3rem;font-size:.78rem;color:var(--soft)}
@media print{:root{--back:#fff;--tile:#fff;--text:#000;--soft:#444}article{break-inside:avoid}}
"""


def html_sheet(title: str, tiles: Sequence[Tile]) -> bytes:
    """The page, with the posters inside it. Whatever items say is text and nothing else."""
    shown = _text(one_line(title))
    made = datetime.now().strftime("%Y-%m-%d")
    size = human_bytes(sum(tile.item.file_size or 0 for tile in tiles))
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_text(_POLICY)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{shown}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{shown}</h1><p>{plural(len(tiles), 'item')} · {size} · {made}</p></header><main>\n"
        + "\n".join(map(_tile, tiles))
        + "\n</main></body></html>\n"
    )
    return page.encode("utf-8", "replace")


def _tile(tile: Tile) -> str:
    item = tile.item
    prompt = f'<p class="prompt">{_text(clean_text(item.prompt))}</p>' if item.prompt else ""
    notes = f'<p class="prompt"><em>{_text(clean_text(item.notes))}</em></p>' if item.notes else ""
    tags = "".join(f"<span>{_text(tag)}</span>" for tag in item.tags)
    marks = "★" * (item.rating or 0) + (" ♥" if item.favourite else "")
    return (
        f'<article>{_view(tile)}<div class="text">'
        f'<h2><a href="{_text(tile.address)}">{_text(one_line(item.name))}</a></h2>'
        + (f'<div class="stars" title="rating">{marks}</div>' if marks.strip() else "")
        + prompt
        + notes
        + (f'<div class="tags">{tags}</div>' if tags else "")
        + f'<p class="facts">{_text(_facts(item))}</p></div></article>'
    )


def _view(tile: Tile) -> str:
    address, poster = _text(tile.address), _poster(tile.poster)
    if tile.item.type is MediaType.VIDEO:
        shown = f' poster="{poster}"' if poster else ""
        return (
            f'<div class="view"><video controls loop playsinline preload="none"{shown} src="{address}"></video></div>'
        )
    if tile.item.type is MediaType.AUDIO:
        back = f" style=\"background-image:url('{poster}')\"" if poster else ""
        return f'<div class="view sound"{back}><audio controls preload="none" src="{address}"></audio></div>'
    return f'<div class="view"><a href="{address}"><img alt="" loading="lazy" src="{poster or address}"></a></div>'


def _facts(item: MediaItem) -> str:
    facts = (
        one_line(item.model),
        f"{item.width}×{item.height}" if item.width and item.height else "",
        human_duration(item.duration) if item.duration else "",
        human_bytes(item.file_size) if item.file_size else "",
        f"seed {item.seed}" if item.seed is not None else "",
        datetime.fromtimestamp(item.created_at).strftime("%Y-%m-%d %H:%M") if item.created_at else "",
    )
    return " · ".join(filter(None, facts))


def _poster(path: Path | None) -> str:
    try:
        if path is None or path.stat().st_size > MAX_POSTER:
            return ""
        return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    except OSError:
        return ""


def _text(text: str) -> str:
    return html.escape(text, quote=True)
