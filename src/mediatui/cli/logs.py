"""``mediatui logs``: the steps of a generation, of one item or job, or of everything; also while they happen."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named, positive
from mediatui.cli.options import add_project_option
from mediatui.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.steplog import Step

LAST = 200
"""Lines shown when nobody says how many."""
LOOK_SECONDS = 0.2
"""Between two looks for new steps."""


def configure(parser: CommandParser) -> None:
    """Add the options of ``logs``."""
    parser.set_defaults(run=run)
    parser.add_argument("--item", type=named, metavar="ID", help="only this item, and the job that made it")
    parser.add_argument("--job", type=named, metavar="ID", help="only this job and its items")
    add_project_option(parser, "only this project")
    parser.add_argument("--last", type=positive, metavar="N", default=LAST, help=f"the last N steps (default: {LAST})")
    parser.add_argument("-f", "--follow", action="store_true", help="go on showing new steps; with --json one a line")
    parser.examples("mediatui logs --item 9f2c01aa", "mediatui logs --follow", "mediatui logs --job 9f2c --json")


def run(context: Context) -> int:
    """Show steps."""
    from mediatui.steplog import Tail, read_steps

    path, filters = context.locations.log_file, _filters(context)
    tail = Tail(path) if context.args.follow else None
    steps = read_steps(path, **filters, limit=context.args.last)
    if tail is not None:
        _follow(context, tail, steps, filters)
        return ExitCode.DONE
    context.output.emit({"log": str(path), "steps": [_document(step) for step in steps]})
    if not steps:
        context.output.note("no steps are logged" + (" for that" if any(filters.values()) else ""))
    for step in steps:
        context.output.line(_text(step))
    return ExitCode.DONE


def _follow(context: Context, tail: Any, steps: list[Step], filters: dict[str, str]) -> None:
    from mediatui.steplog import belongs

    shown = frozenset(steps)
    try:
        while True:
            for step in steps:
                if belongs(step, **filters):
                    context.output.emit(_document(step), compact=True)
                    context.output.line(_text(step))
            context.output.flush()
            time.sleep(LOOK_SECONDS)
            steps = [step for step in tail.read() if step not in shown]
            shown = frozenset()  # only what came between the two first readings was read twice
    finally:
        tail.close()


def _filters(context: Context) -> dict[str, str]:
    """The ids that are meant. What the library does not know any more the log may; raises `UsageError`."""
    args = context.args
    with context.reader() as reader:
        return {
            "item": _known(context, "item", args.item, lambda: reader.item(args.item)[1].id),
            "job": _known(context, "job", args.job, lambda: reader.job(args.job)[1].id),
            "project": _known(context, "project", args.project, lambda: reader.project(args.project).id),
        }


def _known(context: Context, field: str, given: str | None, find: Callable[[], str]) -> str:
    from mediatui.steplog import logged_names
    from mediatui.studio.reading import SHORTEST_REFERENCE

    if not given:
        return ""
    try:
        return find()
    except UsageError:
        names = logged_names(context.locations.log_file, field, given)
        if given in names or (not names and context.args.follow):  # what is followed may be still to come
            return given
        similar = names if len(given) >= SHORTEST_REFERENCE and field != "project" else ()
        if len(similar) != 1:
            raise
    return next(iter(similar))


def _document(step: Step) -> dict[str, Any]:
    return {name: value for name, value in asdict(step).items() if value not in (None, "")}


def _text(step: Step) -> str:
    """One step on one line: when, what, how it went, whose, and the figures."""
    from mediatui.text import human_bytes

    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(step.time)) + f".{int(step.time % 1 * 1000):03}"
    figures = (
        f"{step.milliseconds} ms" if step.milliseconds is not None else "",
        human_bytes(step.bytes) if step.bytes is not None else "",
        f"attempt {step.attempt}" if step.attempt is not None else "",
        step.detail,
    )
    whose = step.item or step.job or step.project
    return f"{moment}  {step.step:<9} {step.outcome:<10} {whose}  {'  '.join(f for f in figures if f)}".rstrip()
