"""What an item's save state means and what can be done about it, in words. No terminal in here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mediatui.model import MediaItem, SaveState, StorageFault, doubt_of
from mediatui.text import plural
from mediatui.tui.format import ago, until, when

if TYPE_CHECKING:
    from mediatui.tui.keymap import Keymap

KIND_WORDS = {
    "disk-full": "the disk is full",
    "read-only": "the disk is read-only",
    "permission": "no permission",
    "too-large": "too large for this disk",
    "disk-error": "disk error",
    "network": "network",
    "server": "server",
    "expired": "expired",
    "refused-host": "host refused",
    "bad-content": "not the file",
    "incomplete": "incomplete",
    "internal": "mediatui",
}
"""A save error's kind as people read it."""


def soon(then: float, now: float | None = None) -> str:
    """A moment to come, to the second while it is near: ``in 40 s``, ``in 12m``."""
    left = then - (time.time() if now is None else now)
    return f"in {max(0, round(left))} s" if left < 100 else until(then, now)


def state_lines(item: MediaItem, next_try: float | None, keys: Keymap) -> Iterator[tuple[str, str]]:
    """Text and tone of the lines under an item's state."""
    fault = item.storage_error
    yield _meaning(item, keys), "dim"
    if fault is not None and item.save_state is not SaveState.SAVED:
        yield _why(fault), "bad"
        yield _attempts(fault, next_try, keys.of("library", "retry")), "dim"
        if fault.host:
            yield f"{keys.of('library', 'retry')} asks you about {fault.host} again.", "text"


def _meaning(item: MediaItem, keys: Keymap) -> str:
    fault = item.storage_error
    ids = ("retry", "retry-all", "save", "save-to-disk", "regenerate")
    retry, retry_all, save, save_to_disk, anew = (keys.of("library", id) for id in ids)
    match item.save_state:
        case SaveState.UNSAVED if fault is not None:
            return f"Kept, but not on disk. {retry} tries again, {retry_all} saves everything unsaved."
        case SaveState.UNSAVED:
            return f"Not on disk yet. {save} saves it; {retry_all} saves everything unsaved."
        case SaveState.SAVING:
            return "Being saved now."
        case SaveState.SAVED if doubt_of(item):
            return "On disk, but perhaps not whole."
        case SaveState.SAVED:
            return "On disk, verified."
        case SaveState.URL_ONLY if fault is not None:
            return f"The disk refused it: it plays from its URL meanwhile. Make room, then {retry} saves it."
        case SaveState.URL_ONLY:
            return f"Only at its URL, by choice; it may expire. {save} saves it, {save_to_disk} all such items."
        case SaveState.MISSING:
            return (
                f"Its file is gone from the disk. {retry} fetches it again while the URL lasts; "
                f"{anew} makes it anew (paid)."
            )
        case SaveState.EXPIRED:
            return (
                f"Its URL no longer answers and it was never saved. {retry} tries once more; "
                f"{anew} makes it anew (paid)."
            )


def _why(fault: StorageFault) -> str:
    kind = KIND_WORDS.get(fault.kind.value, fault.kind.value)
    return fault.message if fault.message.startswith(kind) else f"{kind}: {fault.message}"


def _attempts(fault: StorageFault, next_try: float | None, retry: str) -> str:
    tries = f"{plural(fault.attempts, 'attempt')}, last {ago(fault.time)} ago ({when(fault.time)})"
    if ago(fault.time) == "now":
        tries = f"{plural(fault.attempts, 'attempt')}, just now"
    again = f"next try {soon(next_try)}, {retry} tries now" if next_try is not None else f"{retry} tries again"
    return f"{tries}; {again}."


def expiry(item: MediaItem) -> tuple[str, str] | None:
    """How long the URL lasts, while that matters or is known; with its tone."""
    if item.url_expires_at is None:
        return None
    urgent = item.save_state not in (SaveState.SAVED, SaveState.SAVING)
    words = soon if item.url_expires_at > time.time() else until
    return words(item.url_expires_at), "warn" if urgent else "dim"


def time_left(item: MediaItem) -> str:
    """For a row: how long an item that is not on disk can still be fetched; empty when nobody said."""
    if item.url_expires_at is None or item.save_state in (SaveState.SAVED, SaveState.EXPIRED):
        return ""
    left = item.url_expires_at - time.time()
    return f"{ago(0.001, left)} left" if left > 0 else "expired?"
