"""How the interface looks and behaves on this terminal: settings, what was chosen at the keys, and what it can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mediatui.settings import Settings, Switch
from mediatui.tui.glyphs import wants_ascii
from mediatui.tui.theme import NAMES, PLAIN_DARK, PLAIN_LIGHT, check_theme

if TYPE_CHECKING:
    from mediatui.tui.memory import Memory
    from mediatui.tui.terminal.capabilities import Capabilities

FEW_COLOURS = "standard"
"""Rich's name for sixteen colours."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Decided once, at the start; theme and compactness may change at the keys."""

    theme: str
    compact: bool
    quiet: bool
    """Draw little: opaque dialogs, words on the status line instead of toasts, no animation."""
    ascii: bool


def decide_looks(
    settings: Settings,
    memory: Memory,
    capabilities: Capabilities,
    *,
    few_colours: bool,
    environment: Mapping[str, str] = os.environ,
) -> Looks:
    """The looks. Raises `UsageError` for a theme that there is not."""
    quiet = capabilities.remote if settings.quiet_ui is Switch.AUTO else settings.quiet_ui is Switch.ON
    return Looks(
        theme=_theme(settings, memory, few_colours),
        compact=memory.choice("compact", _word(settings.compact)) == _word(True),
        quiet=quiet,
        ascii=wants_ascii(settings.glyphs, environment),
    )


def _theme(settings: Settings, memory: Memory, few_colours: bool) -> str:
    check_theme(settings.theme)
    chosen = memory.choice("theme", settings.theme)
    theme = chosen if chosen in NAMES else settings.theme
    # Colours that sixteen cannot tell apart would be all that keeps text and background apart.
    return theme if not few_colours or theme in (PLAIN_DARK, PLAIN_LIGHT) else PLAIN_DARK


def _word(value: bool) -> str:
    return "on" if value else "off"


def remember_compact(memory: Memory, settings: Settings, compact: bool) -> None:
    """Keep what was chosen at the keys."""
    memory.choose("compact", _word(compact), _word(settings.compact))


def drawable(capabilities: Capabilities, looks: Looks) -> Capabilities:
    """What may be drawn: pictures in pixels stand on characters that ASCII has not."""
    from mediatui.tui.terminal.capabilities import Graphics

    if looks.ascii and capabilities.graphics is Graphics.KITTY:
        return replace(capabilities, graphics=Graphics.HALF)
    return capabilities
