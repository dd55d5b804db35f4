"""What the detail pane says of an item or a job: state and error first, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui.model import Job, JobFault, MediaItem, SaveState, remarks
from mediatui.text import clean_text, one_line
from mediatui.tui.format import (
    PHASE_BADGES,
    SAVE_BADGES,
    ago,
    elapsed,
    file_facts,
    job_seconds,
    phase_sentence,
    shown_path,
    when,
)
from mediatui.tui.organise_words import organised_paragraphs
from mediatui.tui.save_words import expiry, state_lines
from mediatui.tui.widgets.lines import Paragraph
from mediatui.tui.widgets.media_list import Going

if TYPE_CHECKING:
    from mediatui.tui.keymap import Keymap

GAP: Paragraph = ("", "", "text")


def item_paragraphs(
    item: MediaItem,
    file: Path | None,
    job: Job | None,
    going: Going,
    *,
    full: bool = False,
    next_try: float | None = None,
    keys: Keymap,
) -> list[Paragraph]:
    """An item in paragraphs; `full` cuts nothing."""
    badge = SAVE_BADGES[item.save_state]
    found: list[Paragraph] = [("", f"{badge.glyph} {badge.word}", badge.tone)]
    if item.save_state is SaveState.SAVING and going.words:
        found.append(("", going.words, "dim"))
    elif item.save_state is not SaveState.SAVED:
        found += [("", text, tone) for text, tone in state_lines(item, next_try, keys)]
    found += [("", text, "warn") for text in remarks(item)]
    found += [GAP, ("", clean_text(item.prompt or item.name, None if full else 600), "text"), GAP]
    found += organised_paragraphs(item, full=full)
    if item.model:
        found.append(("model", item.model, "text"))
    found += _params(item.params, full=full)
    if item.seed is not None and "seed" not in item.params:
        found.append(("seed", str(item.seed), "text"))
    found.append(GAP)
    role = f" · {item.role}" if item.role and item.role != item.type.value else ""
    found += [("type", f"{item.type.value}{role}", "text"), ("file", file_facts(item) or "—", "text")]
    if item.path:
        found.append(("path", shown_path(file or item.path), "text"))
    if item.sha256:
        found.append(("sha256", item.sha256 if full else f"{item.sha256[:16]}…", "dim"))
    if item.url:
        found.append(("url", clean_text(item.url, None if full else 160), "dim"))
    if (left := expiry(item)) is not None:
        found.append(("expires", *left))
    found += [("made", f"{when(item.created_at)} ({ago(item.created_at)})", "dim"), *_ids(item, job)]
    return found


def _ids(item: MediaItem, job: Job | None) -> list[Paragraph]:
    found: list[Paragraph] = [("item", item.id, "dim")]
    if item.job:
        found.append(("job", item.job, "dim"))
    if job is not None and job.remote_id:
        found.append(("request", job.remote_id, "dim"))
    return found


def _params(params: Mapping[str, Any], *, full: bool) -> list[Paragraph]:
    return [(one_line(name, 40), _value(value, full), "text") for name, value in sorted(params.items())]


def _value(value: object, full: bool) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return clean_text(text, None if full else 200)


def job_paragraphs(job: Job, going: Going, log: str = "", *, full: bool = False, keys: Keymap) -> list[Paragraph]:
    """A job in paragraphs."""
    badge = PHASE_BADGES[job.phase]
    how = " · ".join(filter(None, (going.words, f"{going.fraction:.0%}" if going.fraction is not None else "")))
    found: list[Paragraph] = [("", f"{badge.glyph} {badge.word}{f' · {how}' if how else ''}", badge.tone)]
    if job.error is not None:
        found += _fault(job.error)
    found.append(("", phase_sentence(job.phase, keys), "dim"))
    if job.cancel_requested and not job.phase.ended:
        found.append(("", "It was asked to stop; it may still finish, and be billed.", "warn"))
    if log:
        found.append(("log", one_line(log, 400), "dim"))
    found += [GAP, ("", clean_text(job.prompt, None if full else 600), "text"), GAP, ("model", job.model, "text")]
    found += _params(job.params, full=full)
    found += [
        GAP,
        ("elapsed", elapsed(job_seconds(job)), "text"),
        ("sent", when(job.submitted_at), "dim"),
        ("provider", job.provider, "dim"),
        ("job", job.id, "dim"),
    ]
    found.append(("price", job.price or "unknown", "dim"))
    if job.remote_id:
        found.append(("request", job.remote_id, "dim"))
    return found


def _fault(fault: JobFault) -> list[Paragraph]:
    found: list[Paragraph] = [("", fault.message, "bad")]
    found += [(one_line(name, 40), text, "bad") for name, text in fault.fields.items()]
    if fault.hint:
        found.append(("", fault.hint, "text"))
    return found
