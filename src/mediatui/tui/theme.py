"""The colours: a calm dark theme, a light one, one of high contrast; Textual's own, and the terminal's sixteen."""

from __future__ import annotations

import difflib

from textual.theme import BUILTIN_THEMES, Theme

from mediatui.errors import UsageError

PLAIN_DARK, PLAIN_LIGHT = "ansi-dark", "ansi-light"
"""The terminal's own colours: for NO_COLOR, and for terminals that have sixteen."""

DARK = Theme(
    name="mediatui",
    primary="#8aa9ff",
    secondary="#6c7fb8",
    accent="#8aa9ff",
    success="#7fc8a0",
    warning="#e2b86b",
    error="#ec7f86",
    foreground="#d5d9e3",
    background="#12141b",
    surface="#171a23",
    panel="#1e222d",
    dark=True,
    variables={
        "border": "#3a4152",
        "border-blurred": "#2a2f3d",
        "block-cursor-background": "#2d3a5e",
        "block-cursor-foreground": "#f2f5ff",
        "block-cursor-blurred-background": "#232836",
        "block-cursor-blurred-foreground": "#d5d9e3",
        "block-cursor-text-style": "none",
        "footer-background": "#12141b",
        "input-selection-background": "#8aa9ff 35%",
        "scrollbar": "#2f3545",
        "scrollbar-hover": "#454d63",
        "scrollbar-active": "#8aa9ff",
        "scrollbar-background": "#12141b",
        "scrollbar-background-hover": "#12141b",
        "scrollbar-background-active": "#12141b",
        "scrollbar-corner-color": "#12141b",
    },
)
LIGHT = Theme(
    name="mediatui-light",
    primary="#3457c9",
    secondary="#6b7aa8",
    accent="#3457c9",
    success="#2c7a4f",
    warning="#96660a",
    error="#b8323c",
    foreground="#262a35",
    background="#fafafc",
    surface="#f3f4f8",
    panel="#e9ebf2",
    dark=False,
    variables={
        "border": "#b9bfd0",
        "border-blurred": "#d5d9e4",
        "block-cursor-background": "#d3ddfb",
        "block-cursor-foreground": "#10131c",
        "block-cursor-blurred-background": "#e6e9f2",
        "block-cursor-blurred-foreground": "#262a35",
        "block-cursor-text-style": "none",
        "scrollbar": "#c9cedd",
        "scrollbar-background": "#fafafc",
        "scrollbar-background-hover": "#fafafc",
        "scrollbar-background-active": "#fafafc",
        "scrollbar-corner-color": "#fafafc",
    },
)
CONTRAST = Theme(
    name="mediatui-contrast",
    primary="#ffd75f",
    secondary="#87d7ff",
    accent="#ffd75f",
    success="#5fff87",
    warning="#ffaf00",
    error="#ff8787",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    variables={
        "contrast": "high",
        "border": "#ffffff",
        "border-blurred": "#9e9e9e",
        "block-cursor-background": "#ffd75f",
        "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#585858",
        "block-cursor-blurred-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "footer-background": "#000000",
        "input-selection-background": "#005fff",
        "scrollbar": "#9e9e9e",
        "scrollbar-hover": "#ffffff",
        "scrollbar-active": "#ffd75f",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "scrollbar-corner-color": "#000000",
    },
)
THEMES = (DARK, LIGHT, CONTRAST)
NAMES = frozenset(BUILTIN_THEMES).union(theme.name for theme in THEMES)


def check_theme(name: str) -> None:
    """Raise `UsageError` for a theme that there is not."""
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(NAMES))}."
        raise UsageError(f"there is no theme {name!r}", hint=hint)
