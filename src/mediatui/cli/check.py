"""``mediatui check``: whether what the index says is on the disk, and what is on the disk is in the index."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mediatui.cli.options import add_project_option
from mediatui.errors import ExitCode
from mediatui.text import human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.library.check import Finding, Progress, Report


def configure(parser: CommandParser) -> None:
    """Add the options of ``check``."""
    parser.set_defaults(run=run)
    add_project_option(parser, "only this project (default: all)")
    parser.add_argument("--hash", action="store_true", help="read every file and compare its checksum")
    parser.examples(
        "mediatui check",
        "mediatui check -p demo --hash            reads every byte; exit code 1 when any differs",
    )


def run(context: Context) -> int:
    """Look the projects over; the exit code is 1 when something is not as it was written."""
    reports = list(_reports(context))
    clean = all(report.clean for report in reports)
    context.output.emit({"clean": clean, "projects": [document(report) for report in reports]})
    for report in reports:
        _print(context, report)
    if not reports:
        context.output.note("no projects yet")
    return ExitCode.DONE if clean else ExitCode.FAILED


def document(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    findings = [{**asdict(f), "kind": f.kind.value, "serious": f.kind.serious} for f in report.findings]
    return {**asdict(report), "clean": report.clean, "findings": findings}


def _reports(context: Context) -> Iterator[Report]:
    from mediatui.library.check import check, unopened

    with context.reader(tells=False) as reader:
        for project in reader.projects(context.args.project):
            yield check(project, hash=context.args.hash, progress=_progress(context, project.id))
        for project_id, error in reader.troubles.items():
            yield unopened(project_id, error)


def _progress(context: Context, project: str) -> Progress:
    """Tells how far the reading is: in place on a terminal, else in tenths."""
    from mediatui.cli.progress import Line, Progress

    progress = Progress(context.output)

    def tell(done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        tenth = percent // 10 * 10
        news = f"{project}: {tenth if not context.output.stderr_is_terminal else percent} % read"
        progress.draw([Line(project, news, f"{human_bytes(done)} of {human_bytes(total)}")])

    return tell


def _print(context: Context, report: Report) -> None:
    line = context.output.line
    counts = f"{plural(report.items, 'item')}, {plural(report.files, 'file')} ({human_bytes(report.bytes)})"
    if report.hashed:
        counts += f", {report.hashed:,} compared byte by byte"
    if report.unhashed:
        counts += f", {report.unhashed:,} without a checksum to compare"
    line(f"{report.project}  {counts}: {'all is well' if report.clean else 'not all is well'}")
    if report.notice:
        line(f"  {report.notice}")
    for finding in report.findings:
        _print_finding(context, finding)


def _print_finding(context: Context, finding: Finding) -> None:
    context.output.line(f"  {finding.what}: {finding.message}")
    if finding.remedy:
        context.output.line(f"      {finding.remedy}")
