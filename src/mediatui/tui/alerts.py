"""Telling somebody who looks elsewhere that a long job ended, and how things stand in the terminal's title."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mediatui.model import Job, Phase
from mediatui.text import one_line, plural
from mediatui.tui.format import job_seconds
from mediatui.tui.terminal.alert import POP_TITLE, PUSH_TITLE, notification, notify_desktop, title

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.batch import Batch


class Alerts:
    """Follows jobs of this window to their end."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._going: set[str] = set()
        self._title = ""
        self.told: list[str] = []
        """What was sent to the desktop, for tests."""

    def follow(self, batch: Batch) -> None:
        """Tell of long jobs that ended just now, all of them in one go."""
        ended: dict[str, Job] = {}
        for change in batch.changes:
            for job in change.jobs:
                if not job.phase.ended and not change.foreign:
                    self._going.add(job.id)
                elif job.phase.ended and job.id in self._going:
                    self._going.discard(job.id)
                    ended[job.id] = job
        least = self._app.settings.notify_after_seconds
        long = [job for job in ended.values() if job.phase is not Phase.CANCELLED and job_seconds(job) >= least]
        if long and not self._app.app_focus:
            self._alert(ended_words(long))

    def _alert(self, text: str) -> None:
        settings = self._app.settings
        if settings.bell:
            self._write("\x07")
        if not settings.notify:
            return
        self.told.append(text)
        sequence = notification(text, name=self._app.capabilities.name)
        if sequence:
            self._write(sequence)
        elif not self._app.capabilities.remote:
            threading.Thread(target=notify_desktop, args=(text,), name="notify", daemon=True).start()

    def show_title(self, running: int, unsaved: int) -> None:
        """Say in the title how things stand."""
        if not self._app.settings.title:
            return
        counts = [f"{count} {word}" for count, word in ((running, "running"), (unsaved, "unsaved")) if count]
        text = " · ".join(["mediatui", *counts])
        if text != self._title:
            self._write(("" if self._title else PUSH_TITLE) + title(text))
            self._title = text

    def restore_title(self) -> None:
        """Give the terminal its title back; call once the interface has left it."""
        if self._title and sys.__stderr__ is not None and sys.__stderr__.isatty():
            with suppress(OSError):
                os.write(sys.__stderr__.fileno(), (title("") + POP_TITLE).encode())
        self._title = ""

    def _write(self, sequence: str) -> None:
        driver = self._app._driver
        if driver is not None and not driver.is_headless:
            driver.write(sequence)


def ended_words(jobs: Sequence[Job]) -> str:
    """How jobs ended, on one line."""
    failed = sum(job.phase is Phase.FAILED for job in jobs)
    if len(jobs) == 1:
        job = jobs[0]
        return f"{'Failed' if failed else 'Done'}: {one_line(job.prompt, 80) or job.model}"
    done = len(jobs) - failed
    parts = [f"{plural(done, 'job')} done"] if done else []
    return ", ".join([*parts, *([f"{plural(failed, 'job')} failed"] if failed else [])])
