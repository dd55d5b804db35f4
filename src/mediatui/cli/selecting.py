"""Which items a command means: by id, or all that pass a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named
from mediatui.cli.options import add_project_option
from mediatui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.studio.events import Event
    from mediatui.studio.history import Undo
    from mediatui.studio.reading import Reader
    from mediatui.studio.studio import Studio


def add_items(parser: CommandParser, *, help: str = "items by id, or a unique start or end of it") -> None:
    """Add ``ITEM…`` and ``--filter``."""
    parser.intermixed = True
    parser.add_argument("items", type=named, nargs="*", default=[], metavar="ITEM", help=help)
    parser.add_argument(
        "--filter", type=named, metavar="LINE", help="all items that pass, e.g. 'model:kling rating:>=4 -tag:hero'"
    )
    add_project_option(parser, "with --filter: only this project's items")


def chosen(context: Context) -> list[str]:
    """The ids of the items a command means. Raises `UsageError` for none, and for a filter with mistakes."""
    args = context.args
    with context.reader() as reader:
        ids = [reader.item(reference)[1].id for reference in args.items]
        if args.filter is not None:
            ids += filtered(reader, args.filter, args.project)
    if not ids:
        wanted = "no item passes the filter" if args.filter else "no items were named"
        raise UsageError(wanted, hint="Name items by id, or use --filter.")
    return list(dict.fromkeys(ids))


def filtered(reader: Reader, line: str, project: str | None) -> list[str]:
    """The ids of items that pass a filter, newest first. Raises `UsageError` for a term that makes no sense."""
    from mediatui.library.query.query import describe_problems, parse_query

    pairs = list(reader.items(project))
    query = parse_query(line, projects={folder.id: folder.record.name for folder, _ in pairs})
    if query.problems:
        raise UsageError(f"the filter makes no sense: {describe_problems(query.problems)}")
    return [item.id for item in query.select([item for _, item in pairs])]


def finish(context: Context, studio: Studio, doing: Future[Undo]) -> Undo:
    """What a verb did; while it takes long, stderr says how far it is."""
    from mediatui.cli.progress import Line, Progress
    from mediatui.studio.events import OrganiseProgress

    last: dict[str, Line] = {}

    def hear(event: Event) -> None:
        if isinstance(event, OrganiseProgress):
            words = f"{event.label}: {event.stage}"
            last[event.label] = Line(event.label, words, f"{event.done:,} of {event.total:,}")

    forget = studio.subscribe(hear)
    try:
        return Progress(context.output).until(doing, lambda: list(last.values()))
    finally:
        forget()


def tell(context: Context, undo: Undo, ids: Sequence[str], **more: Any) -> None:
    """Say what a verb did."""
    context.output.emit(
        {"done": undo.label, "changed": undo.count, "items": list(ids), "notes": list(undo.notes), **more}
    )
    context.output.line(f"{undo.label}: {undo.count} changed" if undo.count else f"{undo.label}: nothing to change")
    for note in undo.notes:
        context.output.note(note)
