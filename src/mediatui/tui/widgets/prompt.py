"""The field a prompt is written in."""

from __future__ import annotations

from textual.strip import Strip
from textual.widgets import TextArea


class PromptArea(TextArea):
    """The prompt; tab leaves it."""

    def __init__(self, text: str, submit: str) -> None:
        """`submit` is the key that sends it."""
        super().__init__(text, id="prompt", soft_wrap=True, tab_behavior="focus", show_line_numbers=False, compact=True)
        self.cursor_blink = False
        self.placeholder = f"What to make. {submit} generates."

    def render_line(self, y: int) -> Strip:
        """One line; Textual would wrap the placeholder into no columns at all, and fall over it."""
        return super().render_line(y) if self.content_size.width else Strip.blank(self.size.width)
