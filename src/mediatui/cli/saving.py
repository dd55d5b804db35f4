"""``mediatui save`` and ``mediatui retry``: bring items to disk. Neither ever sends a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.cli.fence import interruptible
from mediatui.cli.options import add_allow_host_option, add_project_option
from mediatui.errors import ExitCode, UsageError
from mediatui.model import SaveState, needs_saving, remarks
from mediatui.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.model import MediaItem
    from mediatui.studio.requests import SaveReport


def configure_save(parser: CommandParser) -> None:
    """Add the options of ``save``."""
    parser.set_defaults(run=run_save)
    _add_targets(parser, "every item that has no file yet, also those kept as addresses by choice")
    parser.add_argument("--url-only", action="store_true", help="with --all: only those kept as addresses")
    parser.examples("mediatui save 9f2c01aa", "mediatui save --all -p demo", "mediatui save --all --url-only")


def configure_retry(parser: CommandParser) -> None:
    """Add the options of ``retry``."""
    parser.set_defaults(run=run_retry)
    _add_targets(parser, "every item that is unsaved or whose file is missing")
    parser.examples("mediatui retry --all", "mediatui retry 9f2c01aa --json")


def run_save(context: Context) -> int:
    """Save the named items, or all that have no file."""
    only_urls = context.args.url_only
    if only_urls and not context.args.all:
        raise UsageError("--url-only goes with --all", hint="`mediatui save --all --url-only`")

    def wanted(item: MediaItem) -> bool:
        return item.save_state is SaveState.URL_ONLY if only_urls else item.save_state is not SaveState.SAVED

    items = _targets(context, wanted)
    return _run(context, items)


def run_retry(context: Context) -> int:
    """Save again the named items, or all that want saving."""
    items = _targets(context, lambda item: needs_saving(item) or item.save_state is SaveState.SAVING)
    code = _run(context, items)
    if context.args.all:
        _tell_expired(context)
    return code


def _tell_expired(context: Context) -> None:
    """Name what trying again does not bring: nothing to save is not the same as all being on disk."""
    with context.reader() as reader:
        expired = [item for _, item in reader.items(context.args.project) if item.save_state is SaveState.EXPIRED]
    if expired:
        context.output.note(
            f"{plural(len(expired), 'item')} expired at the provider and cannot be saved any more; "
            "`mediatui list --state expired` names them"
        )


def _add_targets(parser: CommandParser, everything: str) -> None:
    parser.intermixed = True
    parser.add_argument(
        "items", type=named, metavar="ITEM", nargs="*", default=[], help="an item's id, or a unique start or end of it"
    )
    parser.add_argument("--all", action="store_true", help=everything)
    add_project_option(parser, "with --all: only this project's items")
    add_allow_host_option(parser)


def _targets(context: Context, wanted: Callable[[MediaItem], bool]) -> list[MediaItem]:
    args = context.args
    if bool(args.items) == args.all:
        raise UsageError("name items, or --all", hint="`mediatui list --state unsaved` lists them.")
    with context.reader() as reader:
        if args.all:
            found = [item for _, item in reader.items(args.project) if wanted(item)]
            return sorted(found, key=lambda item: (item.url_expires_at or float("inf"), item.created_at))
        return list({(item := reader.item(reference)[1]).id: item for reference in args.items}.values())


def _run(context: Context, items: Sequence[MediaItem]) -> int:
    from mediatui.cli.follow import Follower
    from mediatui.studio.reading import item_document
    from mediatui.studio.requests import SaveReport

    if not items:
        _report(context, SaveReport((), (), ()), [])
        return ExitCode.DONE
    with context.studio() as studio, Follower(studio, context.output) as follower:
        for project in dict.fromkeys(item.project for item in items):
            studio.open_project(project).result()
        with interruptible("interrupted; what has arrived is kept", "`mediatui retry --all` goes on with it."):
            report = follower.saves(studio.save_items(items), items)
        held = {project: {i.id: i for i in studio.items(project)} for project in {item.project for item in items}}
        now = [held[item.project].get(item.id, item) for item in items]
        _report(context, report, [item_document(item, studio.file_of(item)) for item in now])
        for hint in (*named_remarks(now), *host_hints(now), *_blocked_hints(now)):
            context.output.note(hint)
    return ExitCode.UNSAVED if report.failed or report.url_only or report.elsewhere else ExitCode.DONE


def named_remarks(items: Sequence[MediaItem]) -> list[str]:
    """What speaks against outputs, each with the file it is about."""
    return [f"{_file_name(item)} ({item.id}): {text}" for item in items for text in remarks(item)]


def _file_name(item: MediaItem) -> str:
    return item.path.rpartition("/")[2] if item.path else item.name


def host_hints(items: Sequence[MediaItem]) -> list[str]:
    """For each host that nobody has allowed: how to allow it, once or always."""
    faults = [item.storage_error for item in items if item.save_state is not SaveState.SAVED and item.storage_error]
    return [allow_hint(host, "retry --all") for host in dict.fromkeys(fault.host for fault in faults if fault.host)]


def _blocked_hints(items: Sequence[MediaItem]) -> Iterator[str]:
    faults = (item.storage_error for item in items if item.save_state is not SaveState.SAVED)
    if any(fault is not None and fault.kind.storage_blocked for fault in faults):
        yield "Free some space or fix the folder, then `mediatui retry --all` saves what is unsaved."


def allow_hint(host: str, command: str) -> str:
    """How to allow a host for one command, or always."""
    return (
        f"{host} is not a known media host: `mediatui {command} --allow-host {host}` allows it this time, "
        "save.allow_hosts in the configuration always."
    )


def _report(context: Context, report: SaveReport, items: list[dict[str, object]]) -> None:
    context.output.emit(
        {
            "saved": list(report.saved),
            "already": list(report.already),
            "failed": list(report.failed),
            "url_only": list(report.url_only),
            "elsewhere": list(report.elsewhere),
            "items": items,
        }
    )
    counts = (
        (report.saved, "saved"),
        (report.already, "saved already"),
        (report.failed, "not saved"),
        (report.url_only, "kept as an address"),
        (report.elsewhere, "being saved by another mediatui"),
    )
    said = [f"{plural(len(ids), 'item')} {what}" for ids, what in counts if ids]
    context.output.line(", ".join(said) or "nothing to save")
