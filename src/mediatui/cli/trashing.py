"""``mediatui trash``: away with items, the list of what can be brought back, the way back, and for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.cli.output import local_time
from mediatui.cli.selecting import add_items, chosen, finish, tell
from mediatui.errors import ExitCode, UsageError
from mediatui.library.deleted import deleted_parts
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.trash import TrashEntry
    from mediatui.studio.organising import Organising


def configure(parser: CommandParser) -> None:
    """Add the options of ``trash``."""
    parser.set_defaults(run=run)
    add_items(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list what can be brought back")
    what.add_argument("--restore", type=named, metavar="ENTRY", help="bring an entry or a deleted project back")
    what.add_argument(
        "--erase", type=named, metavar="ENTRY", help="remove an entry or a deleted project for good; needs --yes"
    )
    what.add_argument("--empty", action="store_true", help="remove all that is in the trash for good; needs --yes")
    parser.add_argument("--yes", action="store_true", help="really remove it")
    parser.examples(
        "mediatui trash 9f2c01aa",
        "mediatui trash --list",
        "mediatui trash --restore 1763600000000-a1b2c3",
        "mediatui trash --erase 1763600000000-a1b2c3 --yes",
        "mediatui trash --empty --yes -p demo",
    )


def run(context: Context) -> int:
    """Move items to the trash; or list it, restore from it, remove from it for good."""
    args = context.args
    _refuse_items_beside(context)
    if args.list:
        return _list(context)
    if args.restore:
        return _restore(context)
    if args.erase:
        return _erase(context)
    if args.empty:
        return _empty(context)
    ids = chosen(context)
    with context.studio() as studio:
        undo = finish(context, studio, studio.organise.trash(ids))
        made = [e for e in studio.organise.trashed().result() if not set(ids).isdisjoint(e.item_ids)]
    tell(context, undo, ids, entries=[entry.id for entry in made])
    for entry in made:
        context.output.note(f"`mediatui trash --restore {entry.id}` brings {entry.name} back")
    return ExitCode.DONE


def _refuse_items_beside(context: Context) -> None:
    """`--empty` beside items would take far more than what was named."""
    args = context.args
    for option, given in (("--list", args.list), ("--restore", args.restore), ("--erase", args.erase)):
        if given and (args.items or args.filter is not None):
            raise UsageError(
                f"{option} goes without items and without --filter", hint="Name either items or the trash."
            )
    if args.empty and (args.items or args.filter is not None):
        raise UsageError(
            "--empty removes all that is in the trash, not single items",
            hint="`mediatui trash --erase ENTRY --yes` removes one entry; -p takes one project's.",
        )


def _project(context: Context) -> str | None:
    if context.args.project is None:
        return None
    with context.reader() as reader:
        return reader.project(context.args.project).id


def _held(organise: Organising, project: str | None) -> tuple[tuple[TrashEntry, ...], tuple[Path, ...]]:
    """The entries of one or all projects; with all, the deleted projects too."""
    return organise.trashed(project).result(), () if project else organise.deleted_projects().result()


def _list(context: Context) -> int:
    project = _project(context)
    with context.studio(looks=True) as studio:
        entries, deleted = _held(studio.organise, project)
        if project is None:
            context.tell_unreadable(studio)
    gone = [(path, *deleted_parts(path)) for path in deleted]
    context.output.emit(
        {
            "entries": [_document(entry) for entry in entries],
            "projects": [{"id": name, "time": when, "path": str(path)} for path, name, when in gone],
        }
    )
    rows = [(e.id, e.project, local_time(e.time), str(len(e.item_ids)), human_bytes(e.bytes), e.name) for e in entries]
    rows += [(path.name, name, local_time(when), "", "", "deleted project") for path, name, when in gone]
    titles = ("ENTRY", "PROJECT", "REMOVED", "ITEMS", "SIZE", "NAME")
    context.output.table(titles, rows, "the trash is empty", spare=("ITEMS", "SIZE"))
    return ExitCode.DONE


def _document(entry: TrashEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "project": entry.project,
        "items": list(entry.item_ids),
        "bytes": entry.bytes,
        "time": entry.time,
        "name": entry.name,
    }


def _restore(context: Context) -> int:
    with context.studio() as studio:
        found = _named(context.args.restore, *_held(studio.organise, None))
        if isinstance(found, Path):
            tell(context, studio.organise.restore_project(found).result(), ())
        else:
            undo = finish(context, studio, studio.organise.restore(found.project, found.id))
            tell(context, undo, found.item_ids)
    return ExitCode.DONE


def _erase(context: Context) -> int:
    with context.studio() as studio:
        organise = studio.organise
        found = _named(context.args.erase, *_held(organise, None))
        if isinstance(found, Path):
            what, size = f"the deleted project {found.name}", ""
        else:
            what, size = found.name, f" ({human_bytes(found.bytes)})"
        if not context.args.yes:
            raise UsageError(f"this removes {what}{size} for good", hint="Add --yes to do it.")
        if isinstance(found, Path):
            freed = organise.erase_project(found).result()
        else:
            freed = organise.empty_trash(found.project, entry_ids=[found.id]).result()
    return _freed(context, freed)


def _empty(context: Context) -> int:
    project = _project(context)
    with context.studio() as studio:
        entries, deleted = _held(studio.organise, project)
        size = human_bytes(sum(entry.bytes for entry in entries))
        if not context.args.yes:
            also = f", and {plural(len(deleted), 'deleted project')}" if deleted else ""
            raise UsageError(
                f"emptying removes {plural(len(entries), 'entry', 'entries')} ({size}){also} for good",
                hint="Add --yes to do it.",
            )
        freed = studio.organise.empty_trash(project).result()
    return _freed(context, freed)


def _named(reference: str, entries: Sequence[TrashEntry], deleted: Sequence[Path]) -> TrashEntry | Path:
    """The entry with this identifier, or the latest deleted project of this name or folder."""
    for entry in entries:
        if entry.id == reference:
            return entry
    for path in deleted:
        if reference in (path.name, deleted_parts(path)[0]):
            return path
    raise UsageError(f"there is no entry {reference} in the trash", hint="`mediatui trash --list` lists them.")


def _freed(context: Context, size: int) -> int:
    context.output.emit({"freed": size})
    context.output.line(f"{human_bytes(size)} freed")
    return ExitCode.DONE
