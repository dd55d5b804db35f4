"""Named styles for widgets that draw their own lines.

Component classes would do the same, but each of them costs a pass through the stylesheet per widget, and
that was a third of the time to the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

_BASIC = ("background", "foreground", "accent", "secondary", "success", "warning", "error", "primary")
_CHOSEN = ("border-blurred", "block-cursor-background", "block-cursor-foreground")
_DIM, _FAINT, _BANNER = 0.42, 0.62, 0.16
_HIGH_CONTRAST = 0.5
"""Of that much, for themes whose variable ``contrast`` says ``high``."""


_known: dict[str, tuple[Theme, Mapping[str, Style]]] = {}


def tones_of(theme: Theme) -> Mapping[str, Style]:
    """The styles of a theme by name; made once for each theme."""
    known = _known.get(theme.name)
    if known is None or known[0] is not theme:
        known = _known[theme.name] = (theme, _make(theme))
    return known[1]


def _make(theme: Theme) -> Mapping[str, Style]:
    generated = theme.to_color_system().generate()
    colors = {name: Color.parse(generated[name]) for name in _BASIC}
    for name in _CHOSEN:
        if name in theme.variables:
            colors[name] = Color.parse(theme.variables[name])
    return _plain(colors) if theme.ansi else _full(colors, theme.variables.get("contrast") == "high")


def _style(front: Color, back: Color, *, bold: bool | None = None) -> Style:
    return Style(color=front.rich_color, bgcolor=back.rich_color, bold=bold)


def _full(colors: Mapping[str, Color], high_contrast: bool) -> Mapping[str, Style]:
    blend = _HIGH_CONTRAST if high_contrast else 1.0
    back, front, accent = colors["background"], colors["foreground"], colors["accent"]
    warning = colors["warning"]
    banner = back.blend(warning, _BANNER)
    rule = colors.get("border-blurred", front.blend(back, 0.8))
    return {
        "text": _style(front, back),
        "dim": _style(front.blend(back, _DIM * blend), back),
        "faint": _style(front.blend(back, _FAINT * blend), back),
        "good": _style(colors["success"], back),
        "warn": _style(warning, back),
        "bad": _style(colors["error"], back),
        "accent": _style(accent, back),
        "key": _style(accent, back),
        "badge": _style(back, colors["secondary"], bold=True),
        "rule": _style(rule, back),
        "rule-on": _style(accent, back),
        "cursor": _style(
            colors.get("block-cursor-foreground", front),
            colors.get("block-cursor-background", back.blend(colors["primary"], 0.4)),
        ),
        "cursor-away": _style(front, back.blend(front, 0.09)),
        "banner": _style(warning, banner),
        "banner-key": _style(warning, banner, bold=True),
    }


def _plain(colors: Mapping[str, Color]) -> Mapping[str, Style]:
    """The terminal's own colours; emphasis by attributes, so that nothing needs a colour to be seen."""

    def front(name: str) -> Style:
        return Style(color=colors[name].rich_color)

    normal = front("foreground")
    dim, reverse = normal + Style(dim=True), normal + Style(reverse=True)
    return {
        "text": normal,
        "dim": dim,
        "faint": dim,
        "good": front("success"),
        "warn": front("warning"),
        "bad": front("error"),
        "accent": front("accent"),
        "key": normal + Style(bold=True),
        "badge": reverse,
        "rule": dim,
        "rule-on": normal + Style(bold=True),
        "cursor": reverse,
        "cursor-away": normal + Style(underline=True),
        "banner": front("warning"),
        "banner-key": front("warning") + Style(bold=True),
    }
