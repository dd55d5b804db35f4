"""``mediatui move`` and ``copy``: which project items are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.cli.selecting import add_items, chosen, finish, tell
from mediatui.errors import ExitCode

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser


def configure_move(parser: CommandParser) -> None:
    """Add the options of ``move``."""
    parser.set_defaults(run=run_move)
    _add_target(parser)
    parser.examples("mediatui move 9f2c01aa --to 'Summer film'", "mediatui move --filter 'tag:film' -p Inbox --to film")


def configure_copy(parser: CommandParser) -> None:
    """Add the options of ``copy``."""
    parser.set_defaults(run=run_copy)
    _add_target(parser)
    parser.examples("mediatui copy 9f2c01aa --to 'Best of'")


def run_move(context: Context) -> int:
    """Move items with their files to another project."""
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, finish(context, studio, studio.organise.move(ids, context.args.to)), ids)
    return ExitCode.DONE


def run_copy(context: Context) -> int:
    """Copy items with their files to a project."""
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, finish(context, studio, studio.organise.copy(ids, context.args.to)), ids)
    return ExitCode.DONE


def _add_target(parser: CommandParser) -> None:
    add_items(parser)
    parser.add_argument(
        "--to", type=named, required=True, metavar="PROJECT", help="by id or name; made when there is none"
    )
