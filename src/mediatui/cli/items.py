"""``mediatui list`` and ``mediatui show``: what there is."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from mediatui.cli.arguments import named, positive
from mediatui.cli.options import add_project_option, values
from mediatui.cli.output import local_time
from mediatui.cli.selecting import filtered
from mediatui.errors import ExitCode
from mediatui.library.query.order import COLUMNS, Order, sort_items
from mediatui.model import MediaType, SaveState, needs_saving
from mediatui.text import human_bytes, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.cli.output import Output
    from mediatui.library.project import ProjectFolder
    from mediatui.model import MediaItem
    from mediatui.studio.reading import Reader

Pair: TypeAlias = "tuple[ProjectFolder, MediaItem]"
TIMES = ("created_at", "saved_at", "submitted_at", "finished_at", "url_expires_at")
"""Fields shown to people as local time."""


def configure_list(parser: CommandParser) -> None:
    """Add the options of ``list``."""
    parser.set_defaults(run=run_list)
    add_project_option(parser, "only this project's items")
    parser.add_argument(
        "--state", action="append", choices=values(list(SaveState)), help="only items in this save state"
    )
    parser.add_argument("--type", action="append", choices=values(list(MediaType)), help="only media of this type")
    parser.add_argument(
        "--filter", type=named, metavar="LINE", help="only items that pass, e.g. 'model:kling rating:>=4'"
    )
    parser.add_argument("--sort", choices=COLUMNS, metavar="COLUMN", help=f"newest first, else by {', '.join(COLUMNS)}")
    parser.add_argument("--reverse", action="store_true", help="the other way around")
    parser.add_argument("--limit", type=positive, metavar="N", help="at most so many")
    parser.examples(
        "mediatui list -p demo",
        "mediatui list --state unsaved --state missing",
        "mediatui list --filter 'tag:hero -type:audio date:<7d'",
        "mediatui list --sort size --reverse --limit 20           what takes most",
        "mediatui list --type video --json | jq -r '.items[].file'",
    )


def configure_show(parser: CommandParser) -> None:
    """Add the options of ``show``."""
    parser.set_defaults(run=run_show)
    parser.add_argument("item", type=named, metavar="ITEM", help="an item's id, or a unique start or end of it")
    parser.examples("mediatui show 9f2c01aa", "mediatui show 9f2c01aa --json")


def run_list(context: Context) -> int:
    """List items, newest first."""
    from mediatui.studio.reading import file_in, item_document

    args = context.args
    with context.reader() as reader:
        passing = set(filtered(reader, args.filter, args.project)) if args.filter else None
        pairs = (pair for pair in reader.items(args.project) if passing is None or pair[1].id in passing)
        matching = (pair for pair in pairs if _matches(pair[1], args.state, args.type))
        found = list(islice(_ordered(matching, args.sort, reverse=args.reverse), args.limit))
        documents = [item_document(item, file_in(folder, item)) for folder, item in found]
    context.output.emit({"items": documents, **tell_troubles(context, reader)})
    items = [item for _, item in found]
    context.output.table(
        ("ID", "STATE", "TYPE", "CREATED", "SIZE", "PROJECT", "MODEL", "PROMPT"),
        _rows(items),
        "no items",
        spare=("SIZE", "TYPE", "MODEL", "CREATED"),
    )
    unsaved = [item for item in items if needs_saving(item)]
    if unsaved:
        words = "unsaved or missing" if any(item.save_state is SaveState.MISSING for item in unsaved) else "unsaved"
        context.output.note(f"{plural(len(unsaved), 'item')} {words}; `mediatui retry --all` saves what can be had")
    return ExitCode.DONE


def _ordered(found: Iterable[Pair], column: str | None, *, reverse: bool) -> Iterable[Pair]:
    """Items, given newest first, by a column; what has no value stands last."""
    if column is None and not reverse:
        return found
    pairs = list(found)
    of = {id(pair[1]): pair for pair in pairs}
    names = {folder.id: folder.record.name for folder, _ in pairs}
    order = Order(column, reverse) if column else Order("date")
    return [of[id(item)] for item in sort_items([item for _, item in pairs], order, projects=names)]


def run_show(context: Context) -> int:
    """Show one item."""
    from mediatui.studio.reading import file_in, item_document

    with context.reader() as reader:
        folder, item = reader.item(context.args.item)
        document = item_document(item, file_in(folder, item))
    context.output.emit(document)
    print_record(context.output, document)
    return ExitCode.DONE


def tell_troubles(context: Context, reader: Reader) -> dict[str, Any]:
    """What projects say of themselves, told; as parts of the document also which could not be read."""
    unreadable = {project_id: error.message for project_id, error in reader.troubles.items()}
    parts = {"unreadable": unreadable, "notices": reader.notices}
    for project_id, message in reader.notices.items():
        context.output.note(f"project {project_id}: {message}")
    return {name: [{"project": i, "message": m} for i, m in told.items()] for name, told in parts.items() if told}


def print_record(output: Output, document: Mapping[str, Any]) -> None:
    """Print a record's fields that say something, one a line."""
    shown = {name: value for name, value in document.items() if value not in (None, "", {}, [], ())}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        text = local_time(value) if name in TIMES else _value(value)
        output.line(f"{name:<{width}}  {text}")


def _matches(item: MediaItem, states: list[str] | None, types: list[str] | None) -> bool:
    return (not states or item.save_state.value in states) and (not types or item.type.value in types)


def _rows(items: list[MediaItem]) -> list[tuple[str, ...]]:
    return [
        (
            item.id,
            item.save_state.value,
            item.type.value,
            local_time(item.created_at),
            human_bytes(item.file_size),
            item.project,
            item.model,
            one_line(item.prompt, 200),
        )
        for item in items
    ]


def _value(value: Any) -> str:
    if isinstance(value, str):
        return one_line(value)
    return one_line(json.dumps(value, ensure_ascii=False))
