"""The step log of one item or job, or of everything, while it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult

from mediatui.errors import UsageError
from mediatui.steplog import FAILED, Step, Tail, belongs, read_steps
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.filter_input import FilterInput
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.model import Job, MediaItem

MOST = 5000
"""Steps that are shown: the last ones."""
LOOK_SECONDS = 0.5
BAD = frozenset({FAILED, "expired", "url-only", "unknown"})
_GOOD = frozenset({"ok", "saved", "succeeded"})


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose steps: an item's with those of its job, a job's with those of its items, or (both empty) everybody's."""

    item: str = ""
    job: str = ""
    title: str = "everything"

    @classmethod
    def of(cls, record: MediaItem | Job | None) -> Subject:
        """The steps of a record."""
        from mediatui.model import MediaItem

        if record is None:
            return cls()
        title = one_line(record.prompt, 80) or record.id
        return cls(item=record.id, title=title) if isinstance(record, MediaItem) else cls(job=record.id, title=title)


def step_words(step: Step) -> str:
    """A step on one line, for copying."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(step.time)) + f".{int(step.time % 1 * 1000):03}"
    whose = step.item or step.job or step.project
    return one_line(f"{moment}  {step.step:<9} {step.outcome:<10} {whose}  {_figures(step)}", 1200).rstrip()


def _figures(step: Step) -> str:
    facts = (
        f"{step.milliseconds:,} ms" if step.milliseconds is not None else "",
        human_bytes(step.bytes) if step.bytes is not None else "",
        f"attempt {step.attempt}" if step.attempt is not None else "",
        one_line(step.detail, 1000),
    )
    return " · ".join(fact for fact in facts if fact)


class StepList(LineList):
    """Steps, the oldest first."""

    def __init__(self) -> None:
        super().__init__(id="steps")
        self.steps: dict[str, Step] = {}

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """One step: when, what, how it went, the figures."""
        step = self.steps[key]
        tone = "bad" if step.outcome in BAD else "good" if step.outcome in _GOOD else "text"
        clock = time.strftime("%H:%M:%S", time.localtime(step.time))
        cells: list[Cell] = [(f"{clock} ", "dim"), (fit(one_line(step.step, 20), 10), "accent")]
        cells.append((fit(one_line(step.outcome, 20), 11), tone))
        room = width - sum(len(text) for text, _ in cells)
        return [*cells, (fit(_figures(step), room), "bad" if tone == "bad" else "dim")]


class LogScreen(StudioScreen[None]):
    """Follows one subject through its steps."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("log", "list", "app")
    BINDINGS = bindings("log")

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject
        self._only_bad = False
        self._words = ""
        self._count = 0
        self._tail: Tail | None = None
        self._reading = False

    def compose(self) -> ComposeResult:
        """Title, steps, filter."""
        yield PaneTitle("Log", id="log-title")
        yield StepList()
        yield FilterInput(self._apply)
        yield Bar(id="status")
        yield KeyBar("log")

    def on_mount(self) -> None:
        """Read what there is, then follow."""
        self.query_one(FilterInput).display = False
        self.query_one(KeyBar).hide(frozenset({"filter-accept", "filter-next", "filter-name"}))
        self.list.focus()
        self._tail = Tail(self.main.locations.log_file)
        self._read()
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Let go of the file."""
        if self._tail is not None:
            self._tail.close()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The line that is being typed in has keys of its own."""
        self.query_one(KeyBar).show_scopes("filter" if isinstance(event.widget, FilterInput) else "log")

    @property
    def list(self) -> StepList:
        """The list."""
        return self.query_one(StepList)

    def _read(self) -> None:
        """Read what is logged of the subject, in a thread: there may be a hundred thousand steps of others."""
        self._reading = True
        self.list.empty = "Reading the log…"
        self.main.run_fenced(self._load(self.subject), group="log", exclusive=True, node=self)

    async def _load(self, subject: Subject) -> None:
        path = self.main.locations.log_file
        steps = await asyncio.to_thread(read_steps, path, item=subject.item, job=subject.job, limit=MOST)
        self._reading = False
        self.list.steps.clear()
        self._take(steps)
        self.list.move(len(self.list.keys))

    def _look(self) -> None:
        if self._tail is None or self._reading or not self.standing:
            return
        steps = [step for step in self._tail.read() if belongs(step, self.subject.item, self.subject.job)]
        if steps:
            shown = set(self.list.steps.values())  # what was added while the log was read
            steps = [step for step in steps if step not in shown]
        if steps:
            at_end = not self.list.keys or self.list.cursor >= len(self.list.keys) - 1
            self._take(steps)
            if at_end:
                self.list.move(len(self.list.keys))

    def _take(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._count += 1
            self.list.steps[str(self._count)] = step
        for key in list(self.list.steps)[:-MOST]:
            del self.list.steps[key]
        self._show()

    def _empty_words(self) -> str:
        if not self.list.steps:
            return "No steps are logged for this."
        ways = [f"{self.press('filter')} changes the filter"] if self._words else []
        ways += [f"{self.press('failures')} shows what did not fail"] if self._only_bad else []
        return f"None of {plural(len(self.list.steps), 'step')} is shown: {', '.join(ways)}."

    def _show(self) -> None:
        self.list.empty = self._empty_words()
        self.list.show([key for key, step in self.list.steps.items() if self._is_wanted(step)])
        parts = [plural(len(self.list.keys), "step"), "failures only" if self._only_bad else "", self._words]
        self.query_one(PaneTitle).tell(
            " · ".join(part for part in parts if part), name=f"Log of {self.subject.title}", on=True
        )

    def _is_wanted(self, step: Step) -> bool:
        if self._only_bad and step.outcome not in BAD:
            return False
        hay = f"{step.step} {step.outcome} {step.detail} {step.model} {step.item} {step.job}".casefold()
        return all(word in hay for word in self._words.casefold().split())

    # Filter.

    def _apply(self, words: str) -> None:
        self._words = words
        self._show()

    def _open_filter(self) -> None:
        field = self.query_one(FilterInput)
        field.display = True
        field.focus()

    def _leave_filter(self) -> None:
        field = self.query_one(FilterInput)
        field.display = bool(self._words)
        self.list.focus()

    def _drop_filter(self) -> None:
        self.query_one(FilterInput).value = ""
        self._words = ""
        self._leave_filter()
        self._show()

    # Actions.

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "back": self._back,
            "failures": self._failures,
            "filter": self._open_filter,
            "filter-keep": self._leave_filter,
            "filter-drop": self._drop_filter,
            "copy": self._copy,
            "everything": self._everything,
        }

    def _failures(self) -> None:
        self._only_bad = not self._only_bad
        self._show()

    def _everything(self) -> None:
        self.subject = Subject()
        self._read()

    def _copy(self) -> None:
        shown = [self.list.steps[key] for key in self.list.keys]
        if not shown:
            raise UsageError("there is no step here to copy")
        self.main.copy_text("\n".join(map(step_words, shown)), "log")
