"""Looking: filter, order, details, copying, opening outside."""

from __future__ import annotations

from collections.abc import Mapping

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem
from mediatui.tui.actor import Handler, keys_of
from mediatui.tui.control.base import Controller
from mediatui.tui.control.copying import copy_record
from mediatui.tui.screens.dialogs import Choice, MenuScreen
from mediatui.tui.shelf import Order, SortKey

_SORT_MENU = (
    Choice("n", "Newest first", SortKey.NEWEST),
    Choice("p", "Prompt", SortKey.PROMPT),
    Choice("m", "Model", SortKey.MODEL),
    Choice("s", "State, unsaved first", SortKey.STATE),
    Choice("t", "Type", SortKey.TYPE),
    Choice("b", "Size, biggest first", SortKey.SIZE),
    Choice("l", "Length, longest first", SortKey.LENGTH),
)


class Looking(Controller):
    """Keys that change nothing but the view."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "filter": self.open_filter,
            "filter-keep": self.keep_filter,
            "filter-drop": self.drop_filter,
            "sort": self.sort,
            "reverse": self.reverse,
            "details": self.open_details,
            "copy": self.copy,
        }

    # Filter.

    async def open_filter(self) -> None:
        """Open the filter line."""
        from mediatui.tui.widgets.filter_input import FilterInput

        field = self.screen.query_one_optional(FilterInput)
        if field is None:
            field = FilterInput(self.apply_filter)
            await self.screen.query_one("#media-pane").mount(field)
        field.value = self.screen.shelf.words
        field.display = True
        field.focus()

    def apply_filter(self, words: str) -> None:
        """Show only what matches."""
        self.screen.shelf.filter(words)
        self.screen.show_rows()

    def keep_filter(self) -> None:
        """Back to the list, filtered."""
        self._close_filter(keep=True)

    def drop_filter(self) -> None:
        """Show everything again."""
        self._close_filter(keep=False)

    def _close_filter(self, *, keep: bool) -> None:
        from mediatui.tui.widgets.filter_input import FilterInput

        field = self.screen.query_one_optional(FilterInput)
        if field is not None:
            field.display = keep and bool(field.value)
        if not keep:
            self.apply_filter("")
        self.screen.projects.keep_place()
        self.app.remember()
        self.screen.panes.show("media")

    def empty_words(self) -> str:
        """What the list says when it shows nothing."""
        if self.screen.shelf.words:
            return f"Nothing matches “{self.screen.shelf.words}”. esc shows everything."
        if self.screen.project_id is None and self.app.memory.places:
            return "No project yet.\nn makes a first generation, p a project."
        if self.screen.project_id is None:
            from mediatui.tui.screens.welcome import first_words

            return first_words(keys_of(self.screen), sandbox=self.app.settings.uses_sandbox)
        return "Nothing here yet.\nn writes a prompt."

    # Order.

    async def sort(self) -> None:
        """Choose an order."""
        order = self.screen.shelf.order
        chosen = await self.app.push_screen_wait(MenuScreen("Sort by", _SORT_MENU, order.by))
        if chosen is not None:
            self._sort(Order(SortKey(chosen), order.reverse))

    def reverse(self) -> None:
        """Turn the order around."""
        order = self.screen.shelf.order
        self._sort(Order(order.by, not order.reverse))

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
        paragraphs = self.screen.details.paragraphs(record.id, full=True)
        self.app.push_screen(ItemScreen(record, paragraphs))

    async def copy(self) -> None:
        """Choose what to copy."""
        await copy_record(self.app, self._record())
