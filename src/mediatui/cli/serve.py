"""``mediatui serve``: the interface in a browser, for this machine and whoever has the address with its token."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from mediatui.cli.arguments import port
from mediatui.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser


def configure(parser: CommandParser) -> None:
    """Add the options of ``serve``."""
    parser.set_defaults(run=run)
    parser.add_argument("--port", type=port, default=0, metavar="N", help="the port (default: a free one)")
    parser.description = (
        "Serve the interface on 127.0.0.1. The printed address holds a token: whoever\n"
        "has it can spend your money. Each browser tab is a window of its own; closing\n"
        "it stops no job."
    )
    parser.examples("mediatui serve", "mediatui serve --port 8765 --sandbox")


def run(context: Context) -> int:
    """Serve until ctrl+c."""
    try:
        from mediatui.cli.serving import serve
    except ModuleNotFoundError as error:
        raise UsageError(
            f"serving needs the package {error.name}, which is not installed",
            hint="Install it with the extra: pip install 'mediatui[serve]'.",
        ) from None
    _ = context.settings  # a mistake in the file is told here rather than in the browser

    def announce(address: str) -> None:
        context.output.emit({"address": address}, compact=True)
        context.output.line(address)
        context.output.flush()
        context.output.note("Open it in a browser on this machine. Ctrl+C stops; jobs go on at the provider.")

    serve(command(context), context.args.port, announce)
    return ExitCode.DONE


def command(context: Context) -> str:
    """The shell command that each browser tab runs."""
    args = context.args
    words = [sys.executable, "-m", "mediatui"]
    words += ["--sandbox"] if args.sandbox else []
    words += ["--data-dir", str(args.data_dir.absolute())] if args.data_dir else []
    words += ["--config", str(args.config.absolute())] if args.config else []
    return shlex.join(words)
