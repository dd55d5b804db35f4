"""``mediatui export``: a project as one ZIP file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui.cli.archive_progress import ArchiveProgress
from mediatui.cli.arguments import named, place
from mediatui.cli.fence import interruptible
from mediatui.cli.options import add_allow_host_option
from mediatui.cli.saving import allow_hint
from mediatui.cli.selecting import filtered
from mediatui.errors import ExitCode, UsageError
from mediatui.studio.events import ExportProgress
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.archive.plan import ExportOptions, ExportPlan, MissingEntry
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser


def configure(parser: CommandParser) -> None:
    """Add the options of ``export``."""
    parser.set_defaults(run=run)
    parser.add_argument("project", type=named, metavar="PROJECT", help="the project, by id or name")
    parser.add_argument(
        "-o", "--output", dest="target", type=place, metavar="FILE",
        help="the file to write; an existing one is never replaced (default: PROJECT-<time>.zip here)",
    )  # fmt: skip
    add_allow_host_option(parser)
    parser.add_argument("--plan", action="store_true", help="say what would be written, and stop")
    parser.add_argument("--filter", type=named, metavar="LINE", help="only items that pass, e.g. 'rating:>=4'")
    parser.add_argument("--folder", action="store_true", help="write a folder in place of a ZIP file")
    parser.add_argument("--names", type=named, metavar="TEMPLATE", help="e.g. '{n:03}-{date}-{model}-{prompt:40}'")
    parser.add_argument("--embed", action="store_true", help="copies say how they were made (PNG, JPEG, MP4)")
    parser.add_argument(
        "--sheet", action="append", choices=("html", "image"), default=[], help="add a contact sheet; repeat for both"
    )
    parser.examples(
        "mediatui export demo -o demo.zip",
        "mediatui export demo --folder --sheet html --filter 'rating:>=4' --names '{n:03}-{prompt:40}'",
        "mediatui export demo --plan",
    )


def run(context: Context) -> int:
    """Plan, and unless only the plan was asked for, write."""
    target: Path | None = context.args.target
    if target is not None:
        _refuse_taken(target)
    with context.reader() as reader:
        project = reader.project(context.args.project).id
        chosen = filtered(reader, context.args.filter, project) if context.args.filter else None
    if chosen is not None and not chosen:
        raise UsageError("no item passes the filter; nothing was written", hint="`mediatui list --filter` tries one.")
    with context.studio(looks=context.args.plan) as studio:
        progress = ArchiveProgress(context, ExportProgress, "export")
        stop = studio.subscribe(progress.hear)
        try:
            options = _options(context)
            plan = studio.plan_export(project, target.absolute() if target else None, chosen, options).result()
            if context.args.plan:
                _show_plan(context, plan)
                return ExitCode.DONE
            with interruptible("the export was interrupted; it left no file", "The project itself is as it was."):
                report = progress.bar.until(studio.export(plan), progress.lines)
        finally:
            stop()
    _show_report(context, report.path, report.files, report.bytes, report.missing)
    return ExitCode.UNSAVED if report.missing else ExitCode.DONE


def _refuse_taken(target: Path) -> None:
    try:
        taken = target.exists() and not target.is_dir()
    except OSError as error:  # a name that no file can have
        raise UsageError(f"{target} cannot be written: {error.strerror}", hint="Name another file with -o.") from None
    if taken:
        raise UsageError(f"{target} exists and is not replaced", hint="Name another file with -o.")


def _options(context: Context) -> ExportOptions:
    from mediatui.archive.plan import ExportOptions, Sheet

    args = context.args
    sheets = frozenset(Sheet(name) for name in args.sheet)
    return ExportOptions(folder=args.folder, names=args.names or "", embed=args.embed, sheets=sheets)


def _show_plan(context: Context, plan: ExportPlan) -> None:
    context.output.emit(
        {
            "path": str(plan.target),
            "files": plan.files,
            "bytes": plan.bytes,
            "unknown_sizes": plan.unknown_sizes,
            "free": plan.free,
            "entries": [
                {"item": e.item.id, "name": e.name, "remote": e.source is None, "size": e.size} for e in plan.entries
            ],
            "missing": _missing(plan.missing),
        }
    )
    rows = [(e.name, human_bytes(e.size), "disk" if e.source else "download") for e in plan.entries]
    context.output.table(("FILE", "SIZE", "FROM"), rows, "nothing to export")
    unknown = f" and {plural(plan.unknown_sizes, 'file')} of unknown size" if plan.unknown_sizes else ""
    size = human_bytes(plan.bytes)
    context.output.line(f"{plural(plan.files, 'file')}, {size}{unknown}, to {plan.target}")
    _tell_missing(context, plan.missing)


def _show_report(context: Context, path: Path, files: int, size: int, missing: Sequence[MissingEntry]) -> None:
    context.output.emit({"path": str(path), "files": files, "bytes": size, "missing": _missing(missing)})
    context.output.note(f"{plural(files, 'file')}, {human_bytes(size)}")
    context.output.line(str(path))
    _tell_missing(context, missing)


def _missing(entries: Sequence[MissingEntry]) -> list[dict[str, Any]]:
    return [{"item": entry.item.id, "name": entry.item.name, "reason": entry.reason} for entry in entries]


def _tell_missing(context: Context, entries: Sequence[MissingEntry]) -> None:
    for entry in entries:
        context.output.note(f"missing: {entry.item.name} ({entry.item.id}): {entry.reason}")
    for host in dict.fromkeys(entry.host for entry in entries if entry.host):
        context.output.note(allow_hint(host, f"export {context.args.project}"))
