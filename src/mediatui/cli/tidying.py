"""``mediatui clean``, ``duplicates`` and ``usage``: what takes room, and what could go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import days
from mediatui.cli.options import add_project_option
from mediatui.cli.output import local_time
from mediatui.errors import ExitCode, UsageError
from mediatui.text import human_bytes

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.cleanup import CleanPlan, CleanRequest
    from mediatui.library.usage import Usage, UsageRow

SORTS = ("unsaved", "failed-jobs", "missing", "duplicates", "orphans", "unrated", "parts", "trash")


def configure_clean(parser: CommandParser) -> None:
    """Add the options of ``clean``."""
    parser.set_defaults(run=run_clean)
    parser.add_argument("sorts", nargs="*", default=[], metavar="WHAT", help=f"of {', '.join(SORTS)}")
    add_project_option(parser, "only in this project")
    parser.add_argument("--older-than", type=days, default=30.0, metavar="DAYS", help="for unsaved and trash (30)")
    parser.add_argument("--yes", action="store_true", help="carry the plan out; without, it is only shown")
    parser.examples(
        "mediatui clean unsaved failed-jobs parts",
        "mediatui clean duplicates -p demo --yes",
        "mediatui clean trash --older-than 90 --yes",
    )


def configure_duplicates(parser: CommandParser) -> None:
    """Add the options of ``duplicates``."""
    parser.set_defaults(run=run_duplicates)
    add_project_option(parser, "only within this project")
    parser.examples("mediatui duplicates", "mediatui duplicates --json | jq '[.groups[].bytes] | add'")


def configure_usage(parser: CommandParser) -> None:
    """Add the options of ``usage``."""
    parser.set_defaults(run=run_usage)
    parser.examples("mediatui usage", "mediatui usage --json | jq .total")


def run_clean(context: Context) -> int:
    """Show what would be removed; with ``--yes`` remove it."""
    request = _request(context)
    with context.studio(looks=not context.args.yes) as studio:
        plan = studio.organise.plan_clean(request).result()
        if request.projects is None:
            context.tell_unreadable(studio)
        document: dict[str, Any] = {"plan": _plan(plan), "to_trash": plan.to_trash, "freed": plan.freed}
        rows = [(line.project or "—", line.sort.value, str(line.count), human_bytes(line.bytes)) for line in plan.lines]
        context.output.table(("PROJECT", "WHAT", "COUNT", "SIZE"), rows, "nothing to clean up")
        if context.args.yes and plan.lines:
            report = studio.organise.clean(plan).result()
            document |= {"freed": report.freed, "notes": list(report.notes)}
            context.output.line(f"{human_bytes(report.to_trash)} moved to the trash, {human_bytes(report.freed)} freed")
            for note in report.notes:
                context.output.note(note)
        elif plan.lines:
            context.output.line(
                f"would move {human_bytes(plan.to_trash)} to the trash and free {human_bytes(plan.freed)}; "
                "--yes does it"
            )
    context.output.emit({"done": context.args.yes, **document})
    return ExitCode.DONE


def run_duplicates(context: Context) -> int:
    """List items with equal bytes."""
    project = None
    if context.args.project is not None:
        with context.reader() as reader:
            project = reader.project(context.args.project).id
    with context.studio(looks=True) as studio:
        groups = studio.organise.duplicates(project).result()
        if project is None:
            context.tell_unreadable(studio)
    context.output.emit(
        {
            "groups": [
                {
                    "sha256": g.sha256,
                    "size": g.size,
                    "bytes": g.bytes,
                    "keep": g.keep.id,
                    "others": [i.id for i in g.others],
                }
                for g in groups
            ]
        }
    )
    rows = [
        (mark, item.id, item.project, human_bytes(group.size), local_time(item.created_at), item.name)
        for group in groups
        for mark, item in (("keep", group.keep), *(("copy", other) for other in group.others))
    ]
    context.output.table(("", "ID", "PROJECT", "SIZE", "CREATED", "NAME"), rows, "no duplicates", spare=("CREATED",))
    if groups:
        context.output.note(
            f"{human_bytes(sum(group.bytes for group in groups))} in copies; "
            "`mediatui clean duplicates` shows which can go (favourites stay)"
        )
    return ExitCode.DONE


def run_usage(context: Context) -> int:
    """Show disk usage."""
    with context.studio(looks=True) as studio:
        usage = studio.organise.usage().result()
        context.tell_unreadable(studio)
    context.output.emit(_usage(usage))
    rows = [
        (p.id, str(p.items), *(human_bytes(size) for size in (p.media, p.trash, p.parts, p.other, p.total)))
        for p in usage.projects
    ]
    context.output.table(("PROJECT", "ITEMS", "MEDIA", "TRASH", "PARTS", "OTHER", "TOTAL"), rows, "no projects yet")
    for title, table in (("MODEL", usage.models), ("MONTH", usage.months), ("TYPE", usage.types)):
        if table:
            context.output.line()
            context.output.table(
                (title, "ITEMS", "SIZE"), [(r.name, str(r.items), human_bytes(r.bytes)) for r in table]
            )
    context.output.line()
    context.output.line(f"{human_bytes(usage.total)} in all, {human_bytes(usage.deleted)} of it deleted projects")
    return ExitCode.DONE


def _request(context: Context) -> CleanRequest:
    from mediatui.library.cleanup import CleanRequest, check_sorts

    args = context.args
    if unknown := [name for name in args.sorts if name not in SORTS]:
        raise UsageError(f"“{unknown[0]}” cannot be cleaned up", hint=f"Name some of {', '.join(SORTS)}.")
    if not args.sorts:
        raise UsageError("nothing was named to clean up", hint=f"Name some of {', '.join(SORTS)}.")
    projects = None
    if args.project is not None:
        with context.reader() as reader:
            projects = (reader.project(args.project).id,)
    return CleanRequest(check_sorts(args.sorts), projects, args.older_than, args.older_than)


def _plan(plan: CleanPlan) -> list[dict[str, Any]]:
    return [
        {
            "what": line.sort.value,
            "project": line.project or None,
            "count": line.count,
            "bytes": line.bytes,
            "items": [item.id for item in line.items],
            "jobs": [job.id for job in line.jobs],
            "paths": [str(path) for path in line.paths],
        }
        for line in plan.lines
    ]


def _usage(usage: Usage) -> dict[str, Any]:
    def table(rows: tuple[UsageRow, ...]) -> list[dict[str, Any]]:
        return [{"key": row.key, "items": row.items, "bytes": row.bytes} for row in rows]

    return {
        "total": usage.total,
        "deleted_projects": usage.deleted,
        "projects": [
            {"id": p.id, "name": p.name, "items": p.items, "media": p.media, "trash": p.trash, "parts": p.parts,
             "other": p.other, "total": p.total}
            for p in usage.projects
        ],
        "models": table(usage.models),
        "months": table(usage.months),
        "types": table(usage.types),
    }  # fmt: skip
