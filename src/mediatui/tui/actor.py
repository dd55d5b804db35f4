"""How a key becomes a call: every app, screen and list finds its handlers by the action's identifier."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, cast

from rich.style import Style
from textual.dom import DOMNode

from mediatui.tui.tones import tones_of

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.keymap import Keymap

Handler = Callable[[], Awaitable[None] | None]


def tone(node: DOMNode, name: str) -> Style:
    """The style of a tone in the theme that is on."""
    return tones_of(node.app.current_theme)[name]


def app_of(node: DOMNode) -> MediatuiApp:
    """The app a node lives in; none of ours lives in another."""
    return cast("MediatuiApp", node.app)


def keys_of(node: DOMNode) -> Keymap:
    """The keys in force."""
    return app_of(node).keys


class Actor:
    """A node that answers actions of the registry. Subclasses return their handlers by action id.

    Not a `DOMNode` itself: Textual would take it for the base whose styles count.
    """

    def handlers(self) -> Mapping[str, Handler]:
        """The actions this node answers."""
        return {}

    def action_act(self, action_id: str) -> None:
        """Answer one action; a coroutine runs in a worker of its own, fenced."""
        handler = self.handlers().get(action_id)
        if handler is None:
            return
        app = app_of(cast(DOMNode, self))
        try:
            result = handler()
        except Exception as exc:  # the fence: any error in answering a key is told, and ends nothing
            app.tell_exception(exc)
            return
        if inspect.iscoroutine(result):
            app.early.expect(app.run_fenced(cast(Coroutine[Any, Any, None], result), group=f"act-{action_id}"))


def front_actor(app: MediatuiApp, action_id: str) -> Actor | None:
    """Who would answer an action now: the focused widget and its ancestors first, then the screen, then the app."""
    screen = app.screen
    chain = [*(screen.focused.ancestors_with_self if screen.focused else ()), *screen.query("*"), screen, app]
    for node in chain:
        if isinstance(node, Actor) and action_id in node.handlers():
            return node
    return None
