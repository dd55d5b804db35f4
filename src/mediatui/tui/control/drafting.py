"""What happens to typed inputs that were not sent: none replaces another without a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.tui.memory import Draft

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.screens.generate import GenerateScreen


class Drafting:
    """Keeps one generate screen's inputs in the memory.

    A screen that was opened with an item's inputs leaves the draft of before alone until something is typed in it.
    """

    def __init__(self, screen: GenerateScreen) -> None:
        self._screen = screen
        self._given: Draft | None = None
        self._kept = screen.main.memory.draft
        """The memory's draft as this screen found or put it there."""
        self.own = screen.draft is self._kept
        """What the screen shows is the memory's draft."""

    def given(self) -> None:
        """The screen shows all that it was opened with."""
        if self._given is None:
            self._given = replace(self._screen.collect(), prompt=self._screen.draft.prompt)

    def keep(self) -> None:
        """Keep what is typed now, and say where another prompt went that it takes the place of."""
        app, draft = self._screen.main, self._screen.collect()
        if self.own and app.memory.draft is self._kept:
            app.memory.draft = self._kept = draft
        elif draft.prompt.strip() if self.own else self._touched(draft):
            self.own, self._kept = True, draft
            if app.memory.take_draft(draft):
                app.call_later(app.tell, kept_words(app))

    def _touched(self, draft: Draft) -> bool:
        return draft != (self._given or replace(draft, prompt=self._screen.draft.prompt))

    def sent(self, draft: Draft) -> None:
        """It is on its way: the next one begins with its models and inputs, or with what was typed before."""
        memory = self._screen.main.memory
        memory.set_aside(draft.prompt)  # until there is a record of it
        if (self.own and memory.draft is self._kept) or not memory.draft.prompt.strip():
            memory.draft = Draft(models=draft.models, values=draft.values, policy=draft.policy)


def kept_words(app: MediatuiApp) -> str:
    """Where a prompt is that another one took the place of."""
    return f"The other prompt is kept: {app.keys.of('generate', 'history')} in the generate screen finds it."
