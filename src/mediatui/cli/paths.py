"""``mediatui path``: where things lie on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.cli.arguments import named
from mediatui.errors import ExitCode, MediatuiError, UsageError

if TYPE_CHECKING:
    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.locations import Locations


_EXAMPLES = {"project": "demo", "item": "9f2c01aa"}


def configure(parser: CommandParser) -> None:
    """Add the options of ``path``."""
    parser.set_defaults(run=run)
    parser.add_argument(
        "what", metavar="WHAT", nargs="?", choices=("data", "config", "state", "cache", "log", "project", "item"),
        help="data, config, state, cache, log, project NAME or item ID (default: all places)",
    )  # fmt: skip
    parser.add_argument("reference", type=named, metavar="NAME_OR_ID", nargs="?", help="which project or item")
    parser.examples(
        "mediatui path",
        'cd "$(mediatui path project demo)"',
        'mpv "$(mediatui path item 9f2c01aa)"',
    )


def run(context: Context) -> int:
    """Print one path, or all places."""
    what, reference = context.args.what, context.args.reference
    if what in ("project", "item") and reference is None:
        raise UsageError(f"no {what} was named", hint=f"For example: mediatui path {what} {_EXAMPLES[what]}")
    if what not in ("project", "item") and reference is not None:
        raise UsageError(f"`path {what}` takes no name", hint="Only `path project NAME` and `path item ID` do.")
    if what is None:
        return _show_places(context, places(context.locations))
    path = _find(context, what, reference or "")
    context.output.emit({"path": str(path)})
    context.output.line(str(path))
    return ExitCode.DONE


def places(locations: Locations) -> dict[str, Path]:
    """The directories and files in use, by name."""
    return {
        "data": locations.data,
        "config": locations.config_file,
        "state": locations.state,
        "cache": locations.cache,
        "log": locations.log_file,
    }


def _show_places(context: Context, found: dict[str, Path]) -> int:
    context.output.emit({name: str(path) for name, path in found.items()})
    for name, path in found.items():
        context.output.line(f"{name:<7} {path}")
    return ExitCode.DONE


def _find(context: Context, what: str, reference: str) -> Path:
    if what not in ("project", "item"):
        return places(context.locations)[what]
    with context.reader() as reader:
        if what == "project":
            return reader.project(reference).folder
        from mediatui.studio.reading import file_in

        folder, item = reader.item(reference)
        path = file_in(folder, item)
    if path is None:
        raise MediatuiError(
            f"item {item.id} has no file ({item.save_state.value})", hint=f"`mediatui save {item.id}` brings it here."
        )
    return path
