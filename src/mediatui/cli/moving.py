"""``mediatui move``, ``copy`` and ``trash``: where items are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.cli.output import local_time
from mediatui.cli.selecting import add_items, chosen, tell
from mediatui.errors import ExitCode, UsageError
from mediatui.text import human_bytes, plural

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


def configure_trash(parser: CommandParser) -> None:
    """Add the options of ``trash``."""
    parser.set_defaults(run=run_trash)
    add_items(parser)
    parser.add_argument("--list", action="store_true", help="list what can be brought back")
    parser.add_argument("--restore", metavar="ENTRY", help="bring an entry of the list back")
    parser.add_argument("--empty", action="store_true", help="remove what is in the trash for good; needs --yes")
    parser.add_argument("--yes", action="store_true", help="really empty it")
    parser.examples(
        "mediatui trash 9f2c01aa",
        "mediatui trash --list",
        "mediatui trash --restore 1763600000000-a1b2c3",
        "mediatui trash --empty --yes -p demo",
    )


def run_move(context: Context) -> int:
    """Move items with their files to another project."""
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, studio.organise.move(ids, context.args.to).result(), ids)
    return ExitCode.DONE


def run_copy(context: Context) -> int:
    """Copy items with their files to a project."""
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, studio.organise.copy(ids, context.args.to).result(), ids)
    return ExitCode.DONE


def run_trash(context: Context) -> int:
    """Move items to the trash; or list it, restore from it, empty it."""
    args = context.args
    if args.list:
        return _list_trash(context)
    if args.restore:
        return _restore(context)
    if args.empty:
        return _empty(context)
    ids = chosen(context)
    with context.studio() as studio:
        tell(context, studio.organise.trash(ids).result(), ids)
    return ExitCode.DONE


def _add_target(parser: CommandParser) -> None:
    add_items(parser)
    parser.add_argument("--to", required=True, metavar="PROJECT", help="by id or name; made when there is none")


def _project(context: Context) -> str | None:
    if context.args.project is None:
        return None
    with context.reader() as reader:
        return reader.project(context.args.project).id


def _list_trash(context: Context) -> int:
    project = _project(context)
    with context.studio() as studio:
        entries = studio.organise.trashed(project).result()
    context.output.emit(
        {
            "entries": [
                {
                    "id": e.id,
                    "project": e.project,
                    "items": list(e.item_ids),
                    "bytes": e.bytes,
                    "time": e.time,
                    "name": e.name,
                }
                for e in entries
            ]
        }
    )
    rows = [(e.id, e.project, local_time(e.time), str(len(e.item_ids)), human_bytes(e.bytes), e.name) for e in entries]
    context.output.table(("ENTRY", "PROJECT", "REMOVED", "ITEMS", "SIZE", "NAME"), rows, "the trash is empty")
    return ExitCode.DONE


def _restore(context: Context) -> int:
    with context.studio() as studio:
        entries = studio.organise.trashed(None).result()
        entry = next((each for each in entries if each.id == context.args.restore), None)
        if entry is None:
            raise UsageError(f"there is no entry {context.args.restore} in the trash", hint="`mediatui trash --list`.")
        tell(context, studio.organise.restore(entry.project, entry.id).result(), entry.item_ids)
    return ExitCode.DONE


def _empty(context: Context) -> int:
    project = _project(context)
    with context.studio() as studio:
        entries = studio.organise.trashed(project).result()
        size = sum(entry.bytes for entry in entries)
        if not context.args.yes:
            raise UsageError(
                f"emptying removes {plural(len(entries), 'entry', 'entries')} ({human_bytes(size)}) for good"
                + ("" if project else ", and every deleted project"),
                hint="Add --yes to do it.",
            )
        freed = studio.organise.empty_trash(project).result()
    context.output.emit({"freed": freed})
    context.output.line(f"{human_bytes(freed)} freed")
    return ExitCode.DONE
