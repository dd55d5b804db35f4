"""Looking: filter, order, details, copying, opening outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.library.query.order import Order
from mediatui.model import Job, MediaItem
from mediatui.tui.actor import Handler, keys_of
from mediatui.tui.control.base import Controller
from mediatui.tui.control.copying import copy_record
from mediatui.tui.memory import load_memory
from mediatui.tui.ordering import TITLES, order_words, usual, usual_words
from mediatui.tui.screens.dialogs import AskScreen
from mediatui.tui.widgets.filter_input import FilterHint, FilterInput
from mediatui.tui.widgets.lines import Paragraph

if TYPE_CHECKING:
    from mediatui.library.query.complete import Candidate


class Looking(Controller):
    """Keys that change nothing but the view."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "filter": self.open_filter,
            "filter-keep": self.keep_filter,
            "filter-drop": self.drop_filter,
            "filter-accept": lambda: self._with_field(FilterInput.accept),
            "filter-next": lambda: self._with_field(FilterInput.choose_next),
            "filter-name": self.name_filter,
            "filters": self.open_filters,
            "sort": self.sort,
            "reverse": self.reverse,
            "details": self.open_details,
            "copy": self.copy,
        }

    # Filter.

    def open_filter(self) -> None:
        """Open the filter line; it has the focus at once, for the next letters may be on their way already."""
        field = self.screen.query_one_optional(FilterInput)
        if field is None:
            field = FilterInput(self.apply_filter, self._candidates)
            self.screen.query_one("#media-pane").mount(field, FilterHint(id="filter-hint"))
        with field.prevent(FilterInput.Changed):
            field.value = self.screen.shelf.words
        field.display = True
        self.screen.set_focus(field)
        field.look_up()
        self.show_hint()

    def _candidates(self, line: str, cursor: int) -> Sequence[Candidate]:
        if not self.app.has_studio or self.screen.project_id is None:
            return ()
        return self.studio.search.complete(line, cursor, self.screen.one_project)

    def _with_field(self, do: Callable[[FilterInput], None]) -> None:
        field = self.screen.query_one_optional(FilterInput)
        if field is not None:
            do(field)
            self.show_hint()

    def show_hint(self) -> None:
        """What is wrong in the filter line, or what may be typed next; only while it is being typed."""
        field, hint = self.screen.query_one_optional(FilterInput), self.screen.query_one_optional(FilterHint)
        if field is not None and hint is not None:
            hint.display = field.display and field.has_focus
            shelf = self.screen.shelf
            hint.tell(field, shelf.problems, shelf.hits, len(shelf.items))

    def apply_filter(self, words: str) -> None:
        """Show only what matches."""
        self.screen.shelf.filter(words)
        self.screen.show_rows()
        self.screen.call_after_refresh(self.show_hint)

    def keep_filter(self) -> None:
        """Back to the list, filtered."""
        self._close_filter(keep=True)

    def drop_filter(self) -> None:
        """Show everything again."""
        self._close_filter(keep=False)

    def _close_filter(self, *, keep: bool) -> None:
        field, hint = self.screen.query_one_optional(FilterInput), self.screen.query_one_optional(FilterHint)
        if field is not None and hint is not None:
            field.display, hint.display = keep and bool(field.value), False
        words = field.value if keep and field is not None else ""
        if words != self.screen.shelf.words:  # the field's own word of its last letters may come later than this key
            self.apply_filter(words)
        self._filtered()
        self.screen.panes.show("media")

    # Filters with a name.

    async def name_filter(self) -> None:
        """Keep the filter under a name, for every project."""
        words = self.screen.shelf.words.strip()
        if not words:
            raise UsageError("there is no filter to keep", hint="Type one first.")
        held = self.app.memory.filters
        known = next((name for name, line in held.items() if line == words), "")
        name = await self.app.push_screen_wait(AskScreen(f"A name for “{words}”", known, verb="keep"))
        if name is not None:
            self.app.memory.keep_filter(name, words)
            self.app.remember()
            self.app.tell(f"Kept as “{name}”.", hint=f"{self.press('filters')} brings it back.")

    async def open_filters(self) -> None:
        """Choose a filter that was kept."""
        memory = self.app.memory
        memory.learn_filters(await asyncio.to_thread(load_memory, self.app.locations.state))

        from mediatui.tui.screens.pick import Entry, PickScreen

        def rows() -> list[Entry]:
            return [
                Entry(name, name, line)
                for name, line in sorted(memory.filters.items(), key=lambda kept: kept[0].casefold())
            ]

        def drop(name: str) -> None:
            memory.drop_filter(name)
            self.app.remember()
            picker.set_entries(rows())

        empty = (
            f"No filter was kept yet: {self.press('filter')} types one, {self.press('filter-name', 'filter')} keeps it."
        )
        picker = PickScreen("Filters", rows(), verb="filter", empty=empty, drop=drop)
        name = await self.app.push_screen_wait(picker)
        if name is not None:
            self.apply_filter(memory.filters[name])
            self._filtered()

    def _filtered(self) -> None:
        self.screen.projects.keep_place()
        self.app.remember()

    def empty_words(self) -> str:
        """What the list says when it shows nothing."""
        if self.screen.shelf.words:
            return f"Nothing matches “{self.screen.shelf.words.strip()}”. {self.press('clear')} shows everything."
        if self.screen.project_id is None and self.app.memory.places:
            return (
                f"No project yet.\n{self.press('new')} makes a first generation, {self.press('new-project')} a project."
            )
        if self.screen.project_id is None:
            from mediatui.tui.screens.welcome import first_words

            return first_words(keys_of(self.screen), sandbox=self.app.settings.uses_sandbox)
        return f"Nothing here yet.\n{self.press('new')} writes a prompt."

    # Order.

    async def sort(self) -> None:
        """Choose an order."""
        order = self.screen.shelf.order
        from mediatui.tui.screens.pick import Entry, PickScreen

        columns = [each for each in TITLES.items() if each[0] != "project" or self.screen.everywhere]
        rows = [Entry(column, title, usual_words(column)) for column, title in columns]
        picker = PickScreen("Sort by", rows, verb="sort", current=order.column)
        chosen = await self.app.push_screen_wait(picker)
        if chosen is not None:
            self._sort(usual(chosen))

    def reverse(self) -> None:
        """Turn the order around."""
        order = self.screen.shelf.order
        self._sort(Order(order.column, not order.reverse))
        self.app.tell(f"Sorted by {order_words(self.screen.shelf.order)}.")

    def _sort(self, order: Order) -> None:
        self.screen.shelf.sort(order)
        self.screen.show_rows()
        self.screen.projects.keep_place()
        self.app.remember()

    # One item.

    def _record(self) -> MediaItem | Job:
        shelf, key = self.screen.shelf, self.screen.media.key or ""
        record = shelf.items.get(key) or shelf.jobs.get(key)
        if record is None:
            raise UsageError("there is nothing under the cursor")
        return record

    def open_details(self) -> None:
        """The whole record, to read."""
        from mediatui.tui.screens.item import ItemScreen

        record = self._record()

        def read() -> list[Paragraph]:
            shelf = self.screen.shelf
            is_here = record.id in shelf.items or record.id in shelf.jobs
            return self.screen.details.paragraphs(record.id, full=True) if is_here else []

        self.app.push_screen(ItemScreen(record, read(), read))

    async def copy(self) -> None:
        """Choose what to copy."""
        await copy_record(self.app, self._record())
