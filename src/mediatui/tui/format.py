"""Words and columns: how states, times and sizes read on screen. Pure functions."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from mediatui.model import Job, MediaItem, MediaType, Phase, SaveState
from mediatui.text import human_bytes, human_duration

if TYPE_CHECKING:
    from mediatui.tui.keymap import Keymap


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a glyph, a letter and a word; `tone` names a colour and carries no meaning of its own."""

    glyph: str
    letter: str
    word: str
    tone: str


SAVE_BADGES = {
    SaveState.UNSAVED: Badge("●", "U", "unsaved", "warn"),
    SaveState.SAVING: Badge("↓", "W", "saving", "accent"),
    SaveState.SAVED: Badge("✓", "S", "saved", "good"),
    SaveState.URL_ONLY: Badge("↗", "L", "url-only", "dim"),
    SaveState.MISSING: Badge("○", "M", "missing", "bad"),
    SaveState.EXPIRED: Badge("×", "X", "expired", "bad"),
}
PHASE_BADGES = {
    Phase.DRAFT: Badge("·", "D", "draft", "dim"),
    Phase.SUBMITTING: Badge("↑", "P", "sending", "accent"),
    Phase.UNKNOWN: Badge("?", "?", "unknown", "warn"),
    Phase.QUEUED: Badge("⋯", "Q", "queued", "dim"),
    Phase.RUNNING: Badge("▸", "R", "running", "accent"),
    Phase.SUCCEEDED: Badge("✓", "S", "done", "good"),
    Phase.FAILED: Badge("✗", "F", "failed", "bad"),
    Phase.CANCELLED: Badge("–", "C", "cancelled", "dim"),
}
TYPE_WORDS = {MediaType.VIDEO: "video", MediaType.IMAGE: "image", MediaType.AUDIO: "audio"}

_PHASE_SENTENCES = {
    Phase.DRAFT: "Not sent.",
    Phase.SUBMITTING: "Being sent; written down before it left.",
    Phase.UNKNOWN: "No answer to the submit: it may have been accepted and paid for. It is never sent again by itself; "
    "in the jobs screen ({jobs}), {recheck} asks the provider.",
    Phase.QUEUED: "Waiting at the provider.",
    Phase.RUNNING: "The model is working.",
    Phase.SUCCEEDED: "Finished.",
    Phase.FAILED: "Failed. In the jobs screen ({jobs}): {recheck} asks the provider again (free), "
    "{again} generates again (a new payment).",
    Phase.CANCELLED: "Cancelled.",
}


def phase_sentence(phase: Phase, keys: Keymap) -> str:
    """What a phase means, and which keys help."""
    words = {"jobs": ("library", "jobs"), "recheck": ("jobs", "recheck"), "again": ("jobs", "again")}
    return _PHASE_SENTENCES[phase].format(**{name: keys.of(*place) for name, place in words.items()})


def ago(then: float | None, now: float | None = None) -> str:
    """How long ago, in at most four characters: ``now``, ``42s``, ``5m``, ``3h``, ``12d``, ``8w``, ``2y``."""
    if not then:
        return "—"
    seconds = max(0.0, (time.time() if now is None else now) - then)
    for limit, unit, size in (
        (60, "s", 1),
        (3600, "m", 60),
        (86400, "h", 3600),
        (14 * 86400, "d", 86400),
        (365 * 86400, "w", 7 * 86400),
    ):
        if seconds < limit:
            return "now" if seconds < 5 else f"{int(seconds // size)}{unit}"
    return f"{int(seconds // (365 * 86400))}y"


def elapsed(seconds: float) -> str:
    """A running clock: ``0:07``, ``12:30``, ``1:02:03``."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def job_seconds(job: Job, now: float | None = None) -> float:
    """How long a job has been going, or took."""
    start = job.submitted_at or job.created_at
    end = job.finished_at or (time.time() if now is None else now)
    return max(0.0, end - start) if start else 0.0


def when(then: float | None) -> str:
    """A local date and time to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(then)) if then else "—"


def until(then: float, now: float | None = None) -> str:
    """When something ends, in words: ``in 3h``, ``5m ago``."""
    left = then - (time.time() if now is None else now)
    return f"in {ago(0.001, left)}" if left > 0 else f"{ago(then, now)} ago"


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis on the right."""
    if width <= 0:
        return ""
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def fit_right(text: str, width: int) -> str:
    """`text` in exactly `width` cells, to the right."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def short_model(model: str) -> str:
    """A model's identifier without its owner: the part people tell models apart by."""
    parts = [part for part in model.split("/") if part]
    return "/".join(parts[1:]) if len(parts) > 1 else model


def shape(item: MediaItem) -> str:
    """The one size that matters for a type: length for video and audio, dimensions for images."""
    if item.type is MediaType.IMAGE:
        return dimensions(item) or "—"
    return human_duration(item.duration)


def dimensions(item: MediaItem) -> str:
    """``1280×720``, or nothing."""
    return f"{item.width}×{item.height}" if item.width and item.height else ""


def bar(fraction: float, width: int) -> tuple[str, str]:
    """The filled and the empty part of a progress bar of `width` cells."""
    full = max(0, min(width, round(fraction * width)))
    return "━" * full, "─" * (width - full)


def shown_path(path: Path | str) -> str:
    """A path to read: below the home folder it begins with ``~``."""
    text = str(path)
    home = os.path.expanduser("~").rstrip("/")
    return f"~{text[len(home) :]}" if home and (text == home or text.startswith(f"{home}/")) else text


def picture_card(item: MediaItem) -> str:
    """What stands in a picture's place where none are drawn."""
    return " · ".join(filter(None, (item.type.value, dimensions(item), _length(item))))


def _length(item: MediaItem) -> str:
    return human_duration(item.duration) if item.duration is not None else ""


def joined(facts: Sequence[tuple[str, int]], width: int) -> str:
    """Facts on one line of at most `width` cells; those with the highest numbers are left out first."""
    kept = [(text, rank) for text, rank in facts if text]
    while kept:
        line = " · ".join(text for text, _ in kept)
        if cell_len(line) <= width:
            return line
        kept.remove(max(reversed(kept), key=lambda fact: fact[1]))
    return ""


def file_facts(item: MediaItem) -> str:
    """Size, dimensions, length and rate on one line, of what is known."""
    return " · ".join(fact.replace(" ", "\u00a0") for fact in file_fact_list(item) if fact)


def file_fact_list(item: MediaItem) -> tuple[str, str, str, str]:
    """Size, dimensions, length and rate; empty what is not known."""
    return (
        human_bytes(item.file_size) if item.file_size is not None else "",
        dimensions(item),
        _length(item),
        f"{item.fps:.4g} fps" if item.fps else "",
    )
