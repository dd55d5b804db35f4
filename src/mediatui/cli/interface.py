"""Opening the terminal interface: its options, and what the terminal is asked before Textual is imported."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from mediatui.cli.context import Context
    from mediatui.settings import Settings
    from mediatui.tui.terminal.capabilities import Capabilities


def add_interface_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that hold for the interface alone, and win over the settings."""
    group = parser.add_argument_group("options of the interface")
    group.add_argument("--quiet-ui", action="store_true", help="draw as little as possible, as over ssh")
    group.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal, to select text")
    group.add_argument("--ascii", action="store_true", help="draw with ASCII characters")
    group.add_argument(
        "--graphics", metavar="HOW", choices=("auto", "kitty", "half", "off"),
        help="how pictures are drawn: auto, kitty, half (two pixels a cell) or off",
    )  # fmt: skip


def open_interface(context: Context) -> int:
    """Run the interface; returns its exit code. Raises `UsageError` where it cannot be shown."""
    if context.output.json:
        raise UsageError("--json needs a command", hint="For example: mediatui list --json")
    from mediatui.tui.terminal.checks import is_served

    if not is_served() and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the interface needs a terminal", hint="Name a command instead; `mediatui --help` lists them.")
    gc.disable()  # until the first frame, which comes a tenth sooner for it
    try:
        return _open(context, _settings(context))
    finally:
        gc.enable()


def _open(context: Context, settings: Settings) -> int:
    capabilities = _ask_terminal(context, settings)
    from mediatui.tui.run import run

    return run(settings, context.locations, capabilities)


def _settings(context: Context) -> Settings:
    """The settings, with the options' say."""
    from mediatui.settings import GlyphSet, Switch

    args, settings = context.args, context.settings
    return replace(
        settings,
        quiet_ui=Switch.ON if args.quiet_ui else settings.quiet_ui,
        mouse=settings.mouse and not args.no_mouse,
        glyphs=GlyphSet.ASCII if args.ascii else settings.glyphs,
    )


def _ask_terminal(context: Context, settings: Settings) -> Capabilities:
    from importlib import import_module

    from mediatui.tui.terminal.capabilities import chosen_graphics, find_capabilities

    def load() -> None:
        for name in ("asyncio", "rich.console", "mediatui.model"):
            import_module(name)

    choice = chosen_graphics(context.args.graphics, os.environ, settings.graphics)
    return find_capabilities(choice, meanwhile=load)
