"""Long work that is planned first: asked for by enter, followed on a bar, stopped by leaving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.widgets import Input

from mediatui.text import human_bytes, plural
from mediatui.tui.actor import Handler
from mediatui.tui.format import bar
from mediatui.tui.screens.base import FormScreen
from mediatui.tui.widgets.bars import Bar, KeyBar
from mediatui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from mediatui.studio.events import ExportProgress, ImportProgress
    from mediatui.tui.batch import Batch

T = TypeVar("T")

BAR_CELLS = 40
"""The progress bar is no wider, nor wider than a third of the screen."""


class PlannedScreen(FormScreen[None]):
    """Fields, the plan they make in the `Lines`, and the work of that plan."""

    BAR: ClassVar[str]
    """The identifier of the `Bar` that says how far the work is."""

    working = False
    """The work goes on."""
    over = False
    """It is done; there is nothing more to do here."""
    _asked = False

    @abstractmethod
    async def go_on(self) -> None:
        """Do what comes next: plan, or carry the plan out."""

    @abstractmethod
    def allow_changes(self, allowed: bool) -> None:
        """Let the fields be edited, or not."""

    @abstractmethod
    def progress_in(self, batch: Batch) -> ExportProgress | ImportProgress | None:
        """What the studio said of this work."""

    @abstractmethod
    def stop(self) -> str:
        """Have the work stopped; says what becomes of it."""

    def handlers(self) -> Mapping[str, Handler]:
        """Go on, and stop."""
        return {**super().handlers(), "start": self._start, "back": self._back}

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.main.run_fenced(self._start(), group="start", node=self)

    async def _start(self) -> None:
        if self._asked or self.over:
            return
        self._asked = True
        try:
            await self.go_on()
        finally:
            self._asked = False

    async def carry_out(self, work: Future[T]) -> T:
        """Wait for the work to end, with nothing to be changed meanwhile; after a failure it can be tried again."""
        self.working = True
        self.allow_changes(False)
        keys = self.query_one(KeyBar)
        keys.hide(frozenset({"start"}))
        self.query_one(Lines).focus()
        try:
            report = await self.main.ask(work)
            self.over = True
            return report
        finally:
            self.working = False
            if self.standing:
                self.allow_changes(not self.over)
                keys.hide(frozenset({"start"} if self.over else ()))

    def follow(self, batch: Batch) -> None:
        """Show how far it is."""
        progress = self.progress_in(batch)
        if progress is None or not self.working:
            return
        fraction = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        full, rest = bar(fraction, max(4, min(BAR_CELLS, self.size.width // 3)))
        files = f"{progress.done_files} of {plural(progress.total_files, 'file')}"
        words = f" {fraction:4.0%}  {files} · {human_bytes(progress.done_bytes)}"
        cells = [(" ", "text"), (full, "accent"), (rest, "dim"), (words, "text")]
        self.query_one(f"#{self.BAR}", Bar).show(cells, [(f"{progress.current} ", "dim")])

    def _back(self) -> None:
        if self.working:
            # On the screen that comes back: this one is going.
            self.main.library.say(self.stop())
        self.dismiss()
