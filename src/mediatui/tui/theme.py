"""The colours: one calm dark theme, one light one, and the terminal's own sixteen for those who want no colour."""

from __future__ import annotations

from textual.theme import Theme

NO_COLOR_THEME = "ansi-dark"

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
THEMES = (DARK, LIGHT)
