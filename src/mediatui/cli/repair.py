"""``mediatui repair``: shows how a project would be put right, and does it when told to. Never deletes anything."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mediatui.cli.options import add_project_option
from mediatui.errors import ExitCode
from mediatui.text import plural

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.project import ProjectFolder
    from mediatui.library.repair import Step


def configure(parser: CommandParser) -> None:
    """Add the options of ``repair``."""
    parser.set_defaults(run=run)
    add_project_option(parser, "only this project (default: all)")
    parser.add_argument("--accept", action="store_true", help="go on with what a damaged index shows")
    parser.add_argument("--adopt", action="store_true", help="make items of files that no item knows")
    parser.add_argument("--rebuild", action="store_true", help="bring records back from earlier indexes and from files")
    parser.add_argument("--yes", action="store_true", help="do it; without this only the plan is shown")
    parser.examples(
        "mediatui repair                          what could be done, in all projects",
        "mediatui repair -p demo --adopt          the plan for files that no item knows",
        "mediatui repair -p demo --adopt --yes    do it",
    )


def run(context: Context) -> int:
    """Show the plan, or carry it out; the exit code is 1 when a project could not be opened."""
    args = context.args
    kinds = {name: getattr(args, name) for name in ("accept", "adopt", "rebuild")}
    if not any(kinds.values()):  # nothing named: everything
        kinds = dict.fromkeys(kinds, True)
    with context.reader(tells=False) as reader:
        plans = [(project, _steps(project, kinds, doing=args.yes)) for project in reader.projects(args.project)]
        troubles = {project_id: error.message for project_id, error in reader.troubles.items()}
    context.output.emit(
        {
            "done": args.yes,
            "projects": [{"project": p.id, "steps": [asdict(step) for step in steps]} for p, steps in plans],
            "unopened": troubles,
        }
    )
    _print(context, plans, troubles)
    return ExitCode.FAILED if troubles else ExitCode.DONE


def _steps(project: ProjectFolder, kinds: dict[str, bool], *, doing: bool) -> tuple[Step, ...]:
    from mediatui.library.repair import plan_repair, repair

    return (repair if doing else plan_repair)(project, **kinds)


def _print(context: Context, plans: list[tuple[Any, tuple[Step, ...]]], troubles: dict[str, str]) -> None:
    output, doing = context.output, context.args.yes
    for project, steps in plans:
        output.line(f"{project.id}  {plural(len(steps), 'step')}" if steps else f"{project.id}  nothing to repair")
        for step in steps:
            output.line(f"  {step.what}: {step.words}")
    for project_id, message in troubles.items():
        output.note(f"{project_id}: {message}")
    if any(steps for _, steps in plans):
        output.note("done; nothing was deleted" if doing else "nothing was changed; add --yes to do it")
