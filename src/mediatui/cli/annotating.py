"""``mediatui tag``, ``rate``, ``note`` and ``rename``: what a person writes about items."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.cli.arguments import named, whole, written
from mediatui.cli.selecting import add_items, chosen, finish, tell
from mediatui.cli.stdin import read_stdin
from mediatui.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.studio.history import Undo


def configure_tag(parser: CommandParser) -> None:
    """Add the options of ``tag``."""
    parser.set_defaults(run=run_tag)
    add_items(parser)
    parser.add_argument(
        "-a", "--add", type=named, action="append", default=[], metavar="TAG", help="add a tag; repeat it for more"
    )
    parser.add_argument(
        "-r", "--remove", type=named, action="append", default=[], metavar="TAG", help="take a tag away"
    )
    parser.examples(
        "mediatui tag 9f2c01aa --add hero --add night",
        "mediatui tag --filter 'model:kling date:<7d' --add kling-tests --remove old",
    )


def configure_rate(parser: CommandParser) -> None:
    """Add the options of ``rate``."""
    parser.set_defaults(run=run_rate)
    add_items(parser)
    marks = parser.add_argument_group("marks")
    marks.add_argument("--stars", type=whole, choices=range(6), metavar="0-5", help="1 to 5; 0 takes the rating away")
    favourite = marks.add_mutually_exclusive_group()
    favourite.add_argument("--favourite", action="store_true", default=None, help="mark as a favourite")
    favourite.add_argument(
        "--no-favourite", action="store_false", dest="favourite", default=None, help="take the mark away"
    )
    parser.examples("mediatui rate 9f2c01aa --stars 5 --favourite", "mediatui rate --filter tag:draft --stars 0")


def configure_note(parser: CommandParser) -> None:
    """Add the options of ``note``."""
    parser.set_defaults(run=run_note)
    add_items(parser)
    parser.add_argument(
        "--text",
        type=written,
        required=True,
        metavar="TEXT",
        help="the notes; - reads them from stdin, '' removes them",
    )
    parser.examples("mediatui note 9f2c01aa --text 'the light is wrong'", "mediatui note 9f2c01aa --text - < notes.txt")


def configure_rename(parser: CommandParser) -> None:
    """Add the options of ``rename``."""
    parser.set_defaults(run=run_rename)
    parser.add_argument("item", type=named, metavar="ITEM", help="an item's id, or a unique start or end of it")
    parser.add_argument("name", type=named, metavar="NAME", help="the name shown; the file keeps its own")
    parser.examples("mediatui rename 9f2c01aa 'Opening shot'")


def run_tag(context: Context) -> int:
    """Add and remove tags."""
    args = context.args
    if not (args.add or args.remove):
        raise UsageError("no tags were named", hint="Use --add or --remove.")
    if both := set(args.add) & set(args.remove):
        raise UsageError(f"“{sorted(both)[0]}” cannot be both added and taken away", hint="Leave one of the two out.")
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, finish(context, studio, studio.organise.tag(ids, args.add, args.remove)), ids)
    return ExitCode.DONE


def run_rate(context: Context) -> int:
    """Give stars and the favourite's mark."""
    args = context.args
    if args.stars is None and args.favourite is None:
        raise UsageError("no mark was named", hint="Use --stars, --favourite or --no-favourite.")
    ids = chosen(context)
    with context.studio() as studio:
        steps = []
        if args.stars is not None:
            steps.append(finish(context, studio, studio.organise.rate(ids, args.stars or None)))
        if args.favourite is not None:
            steps.append(finish(context, studio, studio.organise.favourite(ids, args.favourite)))
        tell(context, _together(steps), ids)
    return ExitCode.DONE


def _together(steps: Sequence[Undo]) -> Undo:
    """Both marks as the one thing that was asked for."""
    label = ", ".join(step.label for step in steps)
    notes = tuple(note for step in steps for note in step.notes)
    return replace(steps[0], label=label, count=max(step.count for step in steps), notes=notes)


def run_note(context: Context) -> int:
    """Write notes."""
    text = read_stdin("the notes") if context.args.text == "-" else context.args.text
    if context.args.text == "-" and not text.strip():  # a command before this one failed: no reason to lose the notes
        raise UsageError("there are no notes on stdin; nothing was changed", hint="--text '' removes notes.")
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, finish(context, studio, studio.organise.note(ids, text)), ids)
    return ExitCode.DONE


def run_rename(context: Context) -> int:
    """Rename an item."""
    with context.reader() as reader:
        item = reader.item(context.args.item)[1].id
    with context.studio() as studio:
        tell(context, studio.organise.rename(item, context.args.name).result(), [item])
    return ExitCode.DONE
