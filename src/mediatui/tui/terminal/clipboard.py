"""Copying by OSC 52: the terminal puts the text on its own clipboard, also over ssh."""

from __future__ import annotations

import base64

MAX_ENCODED = 74_994
"""Terminals drop longer sequences, most of them silently."""


def osc52(text: str, *, tmux: bool) -> str | None:
    """The sequence that copies `text`; None when it is too long for terminals to accept."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(encoded) > MAX_ENCODED:
        return None
    sequence = f"\x1b]52;c;{encoded}\x07"
    # tmux passes the wrapped one on where that is allowed, and takes the plain one for itself.
    return f"{sequence}\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\" if tmux else sequence
