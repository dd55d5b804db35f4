"""The command palette, fed by the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import events
from textual.command import CommandPalette, DiscoveryHit, Hit, Provider
from textual.content import Content
from textual.widgets import Input

from mediatui.tui.action import Action
from mediatui.tui.actions import in_scope
from mediatui.tui.actor import Actor, front_actor, keys_of
from mediatui.tui.screens.base import STYLES, Dialog, StudioScreen

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp


def offered(app: MediatuiApp) -> list[tuple[Action, Actor]]:
    """The actions that can be done now, with who does them."""
    screen = app.screen
    scopes = screen.SCOPES if isinstance(screen, StudioScreen | Dialog) else ()
    actions = [action for scope in dict.fromkeys((*scopes, "app")) for action in in_scope(scope) if action.palette]
    found = [(action, front_actor(app, action.id)) for action in actions]
    return [(action, actor) for action, actor in found if actor is not None]


def open_palette(app: MediatuiApp) -> None:
    """Open the palette over the screen in front."""
    commands = offered(app)

    class Commands(Provider):
        """The actions of the screen the palette was opened on."""

        async def discover(self) -> AsyncIterator[DiscoveryHit]:
            for action, actor in commands:
                yield DiscoveryHit(
                    _display(app, action), lambda a=action, n=actor: n.action_act(a.id), action.title, action.help
                )

        async def search(self, query: str) -> AsyncIterator[Hit]:
            matcher = self.matcher(query)
            for action, actor in commands:
                score = max(matcher.match(action.title), matcher.match(action.help) * 0.6)
                if score > 0:
                    yield Hit(
                        score,
                        _display(app, action),
                        lambda a=action, n=actor: n.action_act(a.id),
                        action.title,
                        action.help,
                    )

    app.push_screen(Palette(providers=[Commands], placeholder="What to do…"))


class Palette(CommandPalette):
    """Textual's, dressed as our dialogs, with a cursor that does not blink."""

    CSS_PATH = STYLES / "palette.tcss"

    def on_mount(self) -> None:
        """A blinking cursor sends bytes for ever."""
        self.query_one(Input).cursor_blink = False

    def on_click(self, event: events.Click) -> None:
        """Textual looks for what was clicked, and falls over a place that a terminal which shrank no longer has."""
        if not self.region.contains(event.screen_x, event.screen_y):
            event.prevent_default()

    def _action_command_list(self, action: str) -> None:
        """Move in the list. Textual's falls over its pages where it has no room."""
        with suppress(KeyError):
            super()._action_command_list(action)


def _display(app: MediatuiApp, action: Action) -> Content:
    return Content.assemble(action.title, "  ", (keys_of(app).names(action), "$text-accent"))
