"""Hosts that media would come from and that are on no list: a person is asked once for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mediatui.errors import MediatuiError
from mediatui.text import clean_text, one_line, plural
from mediatui.tui.screens.base import StudioScreen

if TYPE_CHECKING:
    from mediatui.studio.events import HostAsked
    from mediatui.tui.app import MediatuiApp


class HostQuestions:
    """Collects what is to be asked, and asks when nobody is in the middle of something else."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._waiting: dict[str, dict[str, None]] = {}
        self._refused: set[str] = set()
        self._asking = False

    def hear(self, asked: Iterable[HostAsked]) -> None:
        """Items wait for an answer; one that was refused before is not asked for again by itself."""
        for each in asked:
            if each.host not in self._refused:
                self._waiting.setdefault(each.host, {})[each.item_id] = None
        self.look()

    def forget(self, hosts: Iterable[str]) -> None:
        """Somebody tries again by hand: ask once more."""
        self._refused.difference_update(hosts)

    def look(self) -> None:
        """Ask now, if something is to be asked and nobody types or answers another question."""
        if not self._waiting or self._asking:
            return
        stack = self._app.screen_stack
        # News may still come while the app ends and has no screen any more.
        screen = stack[-1] if stack else None
        if isinstance(screen, StudioScreen) and not _is_typing(screen):
            self._asking = True
            self._app.run_fenced(self._ask(next(iter(self._waiting))), group="ask-host")

    async def _ask(self, host: str) -> None:
        from mediatui.tui.screens.host import ALWAYS, ONCE, HostScreen

        try:
            answer = await self._app.push_screen_wait(HostScreen(host, self._lines(list(self._waiting[host]))))
        finally:
            self._asking = False
        ids = list(self._waiting.pop(host, ()))
        if answer in (ONCE, ALWAYS):
            # Work of the library: the screen that was in front may be left before everything is saved.
            work = self._allow(host, ids, always=answer == ALWAYS)
            self._app.run_fenced(work, group="allow-host", node=self._app.library)
        else:
            self._refused.add(host)
            retry = self._app.keys.of("library", "retry")
            self._app.tell(f"{plural(len(ids), 'item')} kept, not saved. {retry} asks about {host} again.")

    async def _allow(self, host: str, ids: Sequence[str], *, always: bool) -> None:
        studio = self._app.studio
        try:
            await self._app.ask(studio.allow_host(host, ids, always=always))
        except MediatuiError as exc:  # allowed for now all the same
            self._app.tell_exception(exc)
        report = await self._app.ask(studio.save(ids))
        if report.saved:
            self._app.tell(f"{plural(len(report.saved), 'item')} saved from {host}.")

    def _lines(self, ids: Sequence[str]) -> list[str]:
        item = self._app.studio.find_item(ids[0])
        if item is None:
            return [f"{plural(len(ids), 'item')} would come from there."]
        what = one_line(clean_text(item.prompt or item.name), 120)
        more = f" and {plural(len(ids) - 1, 'other item')}" if len(ids) > 1 else ""
        return [f"“{what}”{more}", f"{item.provider} · {item.model}", "It is not one of the provider's known hosts."]


def _is_typing(screen: StudioScreen[Any]) -> bool:
    from textual.widgets import Input, TextArea

    return isinstance(screen.focused, Input | TextArea)
