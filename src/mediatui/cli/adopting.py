"""``mediatui adopt``: make items of media files in a project's folders that no item names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.cli.arguments import named, place
from mediatui.errors import ExitCode
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.reconcile import Differences
    from mediatui.studio.studio import Studio


def configure(parser: CommandParser) -> None:
    """Add the options of ``adopt``."""
    parser.set_defaults(run=run)
    parser.add_argument("project", type=named, metavar="PROJECT", help="the project, by id or name")
    parser.add_argument(
        "files", metavar="FILE", nargs="*", type=place, default=[], help="only these files (default: all)"
    )
    parser.add_argument("--plan", action="store_true", help="say what differs, and change nothing more")
    parser.examples("mediatui adopt demo --plan", "mediatui adopt demo")


def run(context: Context) -> int:
    """Compare, and unless only the plan was asked for, adopt."""
    with context.reader() as reader:
        project = reader.project(context.args.project).id
    with context.studio() as studio:
        found = studio.refresh(project).result()
        if context.args.plan:
            _show(context, studio, found)
            return ExitCode.DONE
        paths = [path.absolute() for path in context.args.files] or None
        report = studio.adopt(project, paths).result()
        documents = [{"id": item.id, "path": item.path} for item in report.items]
    refused = [{"path": str(path), "reason": reason} for path, reason in report.refused]
    context.output.emit({"adopted": documents, "refused": refused})
    for path, reason in report.refused:
        context.output.note(f"{path} stays as it is: {reason}")
    for item in report.items:
        context.output.line(f"{item.id}  {item.path}")
    context.output.note(f"{plural(len(report.items), 'file')} taken in")
    return ExitCode.FAILED if context.args.files and report.refused else ExitCode.DONE


def _show(context: Context, studio: Studio, found: Differences) -> None:
    missing = [item for item in map(studio.find_item, found.missing) if item is not None]
    context.output.emit(
        {
            "orphans": [str(path) for path in found.orphans],
            "missing": [{"id": item.id, "path": item.path} for item in missing],
            "returned": list(found.returned),
            "unfinished": [str(path) for path in found.parts],
        }
    )
    rows = [("unknown", _size(path), str(path)) for path in found.orphans]
    rows += [("missing", "", f"{item.id}  {item.path}") for item in missing]
    rows += [("unfinished", _size(path), str(path)) for path in found.parts]
    context.output.table(("WHAT", "SIZE", "FILE"), rows, "the disk agrees with the index")


def _size(path: Path) -> str:
    try:
        return human_bytes(path.stat().st_size)
    except OSError:
        return ""
