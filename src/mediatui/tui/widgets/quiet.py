"""Taking the focus without repainting everything."""

from __future__ import annotations

from textual import events
from textual.scroll_view import ScrollView


class QuietScroll(ScrollView, inherit_bindings=False):
    """A scrolling widget that repaints what it wants when the focus comes or goes; Textual would repaint all of it."""

    def on_focus(self, event: events.Focus) -> None:
        """Take the focus and tell the screen."""
        event.prevent_default()
        self.has_focus = True
        if self.parent is not None:
            self.parent.post_message(events.DescendantFocus(self))

    def on_blur(self, event: events.Blur) -> None:
        """Let it go and tell the screen."""
        event.prevent_default()
        self.has_focus = False
        if self.parent is not None:
            self.parent.post_message(events.DescendantBlur(self))

    def watch_has_focus(self, has_focus: bool) -> None:
        """Textual would restyle here."""
