"""One thing a person can do with a key: what it is called, its keys, where they work, who answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Target(StrEnum):
    """Who answers: the app, the screen in front, or the widget that holds the binding."""

    APP = "app"
    SCREEN = "screen"
    WIDGET = "widget"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do with a key."""

    id: str
    title: str
    """Two words or so; the key bar shows the first `short` of it."""
    help: str
    """One sentence for the help screen."""
    keys: tuple[str, ...]
    group: str
    scope: str
    target: Target = Target.SCREEN
    short: str = ""
    """The word in the key bar; empty: not shown there."""
    palette: bool = True
    """Listed in the command palette while its scope is on screen."""
    priority: bool = False
    """Its keys win over the focused widget, text fields included."""

    @property
    def binding_id(self) -> str:
        """The identifier of its bindings, unique in the registry."""
        return f"{self.scope}.{self.id}"

    def binding(self) -> Binding:
        """Its Textual binding."""
        prefix = "" if self.target is Target.WIDGET else f"{self.target.value}."
        return Binding(
            ",".join(self.keys),
            f"{prefix}act('{self.id}')",
            self.title,
            show=bool(self.short),
            tooltip=self.help,
            id=self.binding_id,
            priority=self.priority,
        )


APP, SCREEN, WIDGET = Target.APP, Target.SCREEN, Target.WIDGET
LOOK, MARK, MAKE, KEEP, TIDY, GO = "Look", "Mark", "Make", "Keep", "Projects and trash", "Everywhere"
MOVE, FORM, SORT = "Move", "Forms and dialogs", "Organise"
