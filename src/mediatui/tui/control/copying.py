"""Taking one record elsewhere: to the clipboard, or into another program."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem
from mediatui.text import one_line, safe_json
from mediatui.tui.format import shown_path
from mediatui.tui.screens.dialogs import Choice, MenuScreen

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp


def record_json(record: MediaItem | Job) -> str:
    """The whole record as JSON."""
    return safe_json(asdict(record), indent=2)


def copyable(record: MediaItem | Job, file: Path | None) -> dict[str, tuple[str, str, str]]:
    """What there is to copy: a name to its key, title and text."""
    found = {"prompt": ("p", "Prompt", record.prompt)}
    if isinstance(record, MediaItem):
        found["path"] = ("f", "File path", str(file) if file else "")
        found["url"] = ("u", "URL", record.url or "")
    else:
        found["error"] = ("e", "Error", record.error.message if record.error else "")
        found["request id"] = ("r", "Request id", record.remote_id or "")
    found["model"] = ("m", "Model", record.model)
    found["JSON"] = ("j", "JSON record", record_json(record))
    return {name: entry for name, entry in found.items() if entry[2]}


async def copy_record(app: MediatuiApp, record: MediaItem | Job) -> None:
    """Ask what to copy of a record, and copy it."""
    texts = copyable(record, record_file(app, record))
    menu = [
        Choice(key, title, name, one_line(shown_path(text) if name == "path" else text, 60))
        for name, (key, title, text) in texts.items()
    ]
    chosen = await app.push_screen_wait(MenuScreen("Copy", menu))
    if chosen is not None:
        app.copy_text(texts[chosen][2], chosen)


def record_file(app: MediatuiApp, record: MediaItem | Job) -> Path | None:
    """The record's file, if it has one."""
    return app.studio.file_of(record) if isinstance(record, MediaItem) else None


async def open_record(app: MediatuiApp, record: MediaItem | Job) -> None:
    """Open the record's file in its own program; over ssh, ask how."""
    from mediatui.tui.control.opening import open_item

    if not isinstance(record, MediaItem):
        raise UsageError(
            "a job has nothing to open yet", hint=f"{app.keys.of('library', 'copy')} copies what is known of it."
        )
    await open_item(app, record)
