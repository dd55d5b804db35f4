"""What happens to typed inputs that were not sent: none replaces another without a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.tui.memory import Draft

if TYPE_CHECKING:
    from mediatui.tui.screens.generate import GenerateScreen


class Drafting:
    """Keeps one generate screen's inputs in the memory.

    A screen that was opened with an item's inputs leaves the draft of before alone until something is typed in it.
    """

    def __init__(self, screen: GenerateScreen) -> None:
        self._screen = screen
        self._given: Draft | None = None
        self.own = screen.draft is screen.main.memory.draft
        """What the screen shows is the memory's draft."""

    def given(self) -> None:
        """The screen shows all that it was opened with."""
        if self._given is None:
            self._given = replace(self._screen.collect(), prompt=self._screen.draft.prompt)

    def keep(self) -> None:
        """Keep what is typed now, and say where another prompt went that it takes the place of."""
        app, draft = self._screen.main, self._screen.collect()
        if self.own:
            app.memory.draft = draft
        elif draft != (self._given or replace(draft, prompt=self._screen.draft.prompt)):
            self.own = True
            if app.memory.take_draft(draft):
                words = (
                    f"What was typed before is kept: {self._screen.press('history')} in the generate screen finds it."
                )
                app.call_later(app.tell, words)

    def sent(self, draft: Draft) -> None:
        """It was sent: the next one begins with its models and inputs, or with what was typed before."""
        memory = self._screen.main.memory
        if self.own or not memory.draft.prompt.strip():
            memory.draft = Draft(models=draft.models, values=draft.values, policy=draft.policy)
