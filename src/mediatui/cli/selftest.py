"""``mediatui selftest``: whether the disk under the projects keeps what it is given."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mediatui.cli.arguments import place, positive
from mediatui.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.selftest.outcome import Outcome

SECONDS = 15


def configure(parser: CommandParser) -> None:
    """Add the options of ``selftest``."""
    parser.set_defaults(run=run)
    parser.add_argument("--folder", type=place, metavar="DIR", help="where to try (default: where projects are kept)")
    parser.add_argument(
        "--seconds", type=positive, default=SECONDS, metavar="N", help=f"about how long to try (default: {SECONDS})"
    )
    parser.examples(
        "mediatui selftest",
        "mediatui selftest --folder /mnt/nas --seconds 60      before keeping projects there",
    )


def run(context: Context) -> int:
    """Try the disk; the exit code is 1 when it is not safe for projects."""
    from mediatui.selftest.run import selftest

    folder, output = _folder(context), context.output
    output.note(f"trying {folder} for about {context.args.seconds} s, in a folder that is removed afterwards")
    summary = selftest(folder, context.args.seconds, lambda outcome: output.note(f"  {_line(outcome)}"))
    outcomes = [{**asdict(outcome), "verdict": outcome.verdict.value} for outcome in summary.outcomes]
    output.emit({**asdict(summary), "outcomes": outcomes, "safe": summary.safe, "words": summary.words})
    output.line(f"{summary.folder} ({summary.file_system}): {summary.words}")
    return ExitCode.DONE if summary.safe else ExitCode.FAILED


def _folder(context: Context) -> Path:
    """Where to try. Raises `UsageError` for a folder that is not there: what is made in its place may be elsewhere."""
    folder: Path | None = context.args.folder
    if folder is None:
        return context.locations.data
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; nothing was tried", hint="Is it mounted? Or make it first.")
    return folder.absolute()


def _line(outcome: Outcome) -> str:
    tries = f" ({outcome.trials:,} tries)" if outcome.trials else ""
    return f"{outcome.verdict.value:<8} {outcome.check:<13} {outcome.words}{tries}"
