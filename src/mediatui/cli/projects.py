"""``mediatui projects``: list, make, rename, delete, restore, and what happens to finished outputs."""

from __future__ import annotations

from argparse import SUPPRESS
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named
from mediatui.cli.options import values
from mediatui.cli.output import local_time
from mediatui.errors import ExitCode, UsageError
from mediatui.library.deleted import deleted_parts, look_into
from mediatui.model import SavePolicy
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.model import Project

AS_SETTINGS = "default"
"""The policy argument that takes a project's own policy away."""


def configure(parser: CommandParser) -> None:
    """Add the actions of ``projects``; without one it lists."""
    parser.set_defaults(run=run_list, deleted=False)
    parser.add_argument("--deleted", action="store_true", help="list deleted projects that can be restored")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    listing = actions.add_parser("list", help="all projects (the default)")
    listing.add_argument("--deleted", action="store_true", default=SUPPRESS, help="list deleted projects")
    listing.set_defaults(run=run_list)
    new = _action(actions, "new", run_new, "make a project")
    new.add_argument("name", type=named, metavar="NAME")
    rename = _action(actions, "rename", run_rename, "give a project another name; its folder stays")
    rename.add_argument("project", type=named, metavar="PROJECT")
    rename.add_argument("name", type=named, metavar="NAME")
    delete = _action(actions, "delete", run_delete, "move a project to the trash")
    delete.add_argument("project", type=named, metavar="PROJECT")
    restore = _action(actions, "restore", run_restore, "bring a deleted project back")
    restore.add_argument("project", type=named, metavar="PROJECT", help="its id, its name, or its folder in the trash")
    policy = _action(actions, "policy", run_policy, "what happens to this project's finished outputs")
    policy.add_argument("project", type=named, metavar="PROJECT")
    policy.add_argument("policy", choices=[*values(list(SavePolicy)), AS_SETTINGS])
    parser.examples(
        "mediatui projects",
        'mediatui projects new "Summer film"',
        "mediatui projects policy summer-film on-demand",
        "mediatui projects delete summer-film       to the trash; `projects restore summer-film` undoes it",
    )


def run_list(context: Context) -> int:
    """List projects, or deleted ones."""
    from mediatui.studio.reading import summary_document

    if context.args.deleted:
        return _list_deleted(context)
    with context.reader() as reader:
        summaries = reader.summaries()
    folder = context.locations.projects
    context.output.emit({"projects": [summary_document(s, folder / s.id) for s in summaries]})
    rows = [
        (s.id, s.name, f"{s.items:,}", f"{s.unsaved:,}", f"{s.running:,}", human_bytes(s.bytes), s.notice)
        for s in summaries
    ]
    context.output.table(("ID", "NAME", "ITEMS", "UNSAVED", "RUNNING", "SIZE", "NOTICE"), rows, "no projects yet")
    return ExitCode.DONE


def run_new(context: Context) -> int:
    """Make a project."""
    with context.studio() as studio:
        made = studio.create_project(context.args.name).result()
    _tell_namesakes(context, made)
    return _show(context, made, "made")


def run_rename(context: Context) -> int:
    """Rename a project."""
    project = _resolve(context)
    with context.studio() as studio:
        renamed = studio.rename_project(project, context.args.name).result()
    _tell_namesakes(context, renamed)
    return _show(context, renamed, "renamed")


def run_policy(context: Context) -> int:
    """Set or take away a project's save policy."""
    project, name = _resolve(context), context.args.policy
    policy = None if name == AS_SETTINGS else SavePolicy(name)
    with context.studio() as studio:
        return _show(context, studio.set_save_policy(project, policy).result(), f"policy {name}")


def run_delete(context: Context) -> int:
    """Move a project to the trash."""
    project = _resolve(context)
    with context.studio() as studio:
        trashed = studio.delete_project(project).result()
    context.output.emit(
        {
            "trashed": {
                "id": trashed.project_id,
                "name": trashed.name,
                "items": trashed.items,
                "bytes": trashed.bytes,
                "path": str(trashed.path),
            }
        }
    )
    what = f"{trashed.name}: {plural(trashed.items, 'item')}, {human_bytes(trashed.bytes)}"
    context.output.line(f"{what}, moved to {trashed.path}")
    context.output.note(f"`mediatui projects restore {trashed.project_id}` brings it back")
    return ExitCode.DONE


def run_restore(context: Context) -> int:
    """Bring a deleted project back."""
    path = _trashed(context, context.args.project)
    with context.studio() as studio:
        return _show(context, studio.restore_project(path).result(), "restored")


def _action(actions: Any, name: str, run: Any, summary: str) -> CommandParser:
    parser: CommandParser = actions.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def _resolve(context: Context) -> str:
    with context.reader() as reader:
        return reader.project(context.args.project).id


def _tell_namesakes(context: Context, project: Project) -> None:
    """Say that `-p NAME` may mean another project too."""
    with context.reader() as reader:
        others = [s.id for s in reader.summaries() if s.name.casefold() == project.name.casefold()]
    others = [other for other in others if other != project.id]
    if others:
        have = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'}"
        context.output.note(f"{have} that name too: the id tells them apart, as in `-p {project.id}`")


def _show(context: Context, project: Project, what: str) -> int:
    from mediatui.studio.reading import project_document

    folder = context.locations.projects / project.id
    context.output.emit({"project": project_document(project, folder)})
    context.output.line(f"{project.id}  {project.name}  {what}")
    return ExitCode.DONE


def _list_deleted(context: Context) -> int:
    with context.reader() as reader:
        paths = reader.trashed_projects()
    found = [(deleted_parts(path)[0], look_into(path)) for path in paths]
    context.output.emit(
        {
            "deleted": [
                {"id": project_id, "name": d.name, "items": d.items, "bytes": d.bytes, "deleted_at": d.time,
                 "path": str(d.path)}
                for project_id, d in found
            ]
        }
    )  # fmt: skip
    rows = [
        (project_id, d.name, f"{d.items:,}", human_bytes(d.bytes), local_time(d.time), str(d.path))
        for project_id, d in found
    ]
    context.output.table(("ID", "NAME", "ITEMS", "SIZE", "DELETED", "FOLDER"), rows, "no deleted projects")
    return ExitCode.DONE


def _trashed(context: Context, reference: str) -> Path:
    with context.reader() as reader:
        paths = reader.trashed_projects()
    for path in paths:
        if reference in (path.name, deleted_parts(path)[0]) or Path(reference).absolute() == path:
            return path
    called = [path for path in paths if look_into(path).name.casefold() == reference.casefold()]
    if len({deleted_parts(path)[0] for path in called}) > 1:
        raise UsageError(
            f"{plural(len(called), 'deleted project')} have the name {reference!r}",
            hint="Name one by its id: `mediatui projects --deleted` lists them.",
        )
    if called:
        return called[0]
    raise UsageError(f"there is no deleted project {reference!r}", hint="`mediatui projects --deleted` lists them.")
