"""``mediatui import``: an export, a copied project or a folder of media becomes a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediatui.cli.archive_progress import ArchiveProgress
from mediatui.cli.arguments import place
from mediatui.cli.fence import interruptible
from mediatui.cli.options import add_project_option
from mediatui.errors import ExitCode, UsageError
from mediatui.studio.events import ImportProgress
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediatui.archive.import_plan import ImportPlan
    from mediatui.archive.import_write import ImportReport
    from mediatui.archive.read import Refused
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser


def configure(parser: CommandParser) -> None:
    """Add the options of ``import``."""
    parser.set_defaults(run=run)
    parser.add_argument("source", type=place, metavar="PATH", help="a ZIP file or a folder")
    add_project_option(parser, "into this project, made when there is none (default: its own)")
    parser.add_argument("--plan", action="store_true", help="say what would be imported, and stop")
    parser.examples("mediatui import demo.zip", "mediatui import ~/Pictures/comfy -p 'Old works' --plan")


def run(context: Context) -> int:
    """Plan, and unless only the plan was asked for, import."""
    with context.studio(looks=context.args.plan) as studio:
        progress = ArchiveProgress(context, ImportProgress, "import")
        stop = studio.subscribe(progress.hear)
        try:
            plan = studio.imports.plan(context.args.source.absolute()).result()
            if context.args.plan:
                _show_plan(context, plan)
                return ExitCode.DONE
            _refuse_nothing(plan)
            with interruptible("the import was interrupted", "Importing the same again goes on where it stopped."):
                report = progress.bar.until(studio.imports.run(plan, context.args.project), progress.lines)
        finally:
            stop()
    _show_report(context, report)
    return ExitCode.UNSAVED if report.refused else ExitCode.DONE


def _refuse_nothing(plan: ImportPlan) -> None:
    """A folder without media would become an empty project; an empty project of ours may come back."""
    from mediatui.archive.import_plan import ImportKind

    if plan.kind is ImportKind.MEDIA and not plan.entries:
        raise UsageError(
            f"{plan.source} holds no media; nothing was imported",
            hint="`mediatui import PATH --plan` says why each file is refused." if plan.refused else "",
        )


def _show_plan(context: Context, plan: ImportPlan) -> None:
    context.output.emit(
        {
            "source": str(plan.source),
            "kind": plan.kind.value,
            "name": plan.name,
            "files": plan.files,
            "bytes": plan.bytes,
            "free": plan.free,
            "without_bytes": len(plan.records),
            "jobs": len(plan.jobs),
            "entries": [{"name": e.entry.name, "size": e.entry.size, "type": e.kind[0].value} for e in plan.entries],
            "refused": _refused(plan.refused),
        }
    )
    rows = [(each.entry.name, human_bytes(each.entry.size), each.kind[0].value) for each in plan.entries]
    context.output.table(("FILE", "SIZE", "TYPE"), rows, "nothing to import")
    context.output.line(f"{plural(plan.files, 'file')}, {human_bytes(plan.bytes)}, as “{plan.name}”")
    _tell_refused(context, plan.refused)


def _show_report(context: Context, report: ImportReport) -> None:
    context.output.emit(
        {
            "project": report.project,
            "imported": list(report.imported),
            "skipped": list(report.skipped),
            "renumbered": dict(report.renumbered),
            "jobs": report.jobs,
            "refused": _refused(report.refused),
        }
    )
    context.output.line(
        f"{plural(len(report.imported), 'item')} imported into {report.project}, "
        f"{len(report.skipped)} were there already"
    )
    for old, new in report.renumbered.items():
        context.output.note(f"{old} is taken by another item; the imported one is {new}")
    _tell_refused(context, report.refused)


def _refused(refused: Sequence[Refused]) -> list[dict[str, Any]]:
    return [{"name": each.name, "reason": each.reason} for each in refused]


def _tell_refused(context: Context, refused: Sequence[Refused]) -> None:
    for each in refused:
        context.output.note(f"refused {each.name}: {each.reason}")
