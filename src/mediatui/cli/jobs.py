"""``mediatui jobs``: what has been sent, and how it goes."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named
from mediatui.cli.generate import came_to_nothing, follow, outcome, report
from mediatui.cli.options import add_allow_host_option, add_project_option
from mediatui.cli.output import local_time
from mediatui.errors import ExitCode, MediatuiError, UsageError
from mediatui.model import Phase, SavePolicy
from mediatui.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.follow import Follower
    from mediatui.cli.options import CommandParser
    from mediatui.model import Job, MediaItem
    from mediatui.studio.reading import Reader
    from mediatui.studio.studio import Studio


def configure(parser: CommandParser) -> None:
    """Add the actions of ``jobs``; without one it lists."""
    parser.set_defaults(run=run_list)
    add_project_option(parser, "only this project's jobs")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    listing = actions.add_parser("list", help="all jobs, newest first (the default)")
    _add_project(listing, "only this project's jobs")
    listing.set_defaults(run=run_list)
    _with_ids(actions.add_parser("show", help="everything known of one job"), run_show, many=False)
    resume = actions.add_parser("resume", help="follow unfinished jobs to the end and save what they made")
    _add_project(resume, "only this project's jobs")
    add_allow_host_option(resume)
    resume.set_defaults(run=run_resume)
    _with_ids(actions.add_parser("cancel", help="ask the provider to stop jobs"), run_cancel)
    _with_ids(
        actions.add_parser(
            "retry",
            help="ask the provider again about failed or unknown jobs; never sends one twice",
            intermixed=True,
        ),
        run_retry,
        everything="every failed or unknown job that the provider may have",
    )
    dismiss = actions.add_parser("dismiss", help="forget ended jobs that left nothing unsaved", intermixed=True)
    _with_ids(dismiss, run_dismiss, everything="every ended job")
    dismiss.add_argument(
        "--unknown",
        action="store_true",
        help="give up the named unknown jobs: if the provider has them after all, their results are never collected",
    )
    parser.examples(
        "mediatui jobs",
        "mediatui jobs resume                follow what an earlier run left, without the interface",
        "mediatui jobs show 9f2c             any unique start or end of an id",
        "mediatui jobs retry --all           look again whether failed jobs have a result after all",
    )


def run_list(context: Context) -> int:
    """List jobs."""
    from mediatui.cli.items import tell_troubles
    from mediatui.studio.reading import job_document

    with context.reader() as reader:
        jobs = [job for _, job in reader.jobs(context.args.project)]
    context.output.emit({"jobs": [job_document(job) for job in jobs], **tell_troubles(context, reader)})
    rows = [(job.id, job.phase.value, local_time(job.created_at), job.project, job.model, _about(job)) for job in jobs]
    titles = ("ID", "PHASE", "CREATED", "PROJECT", "MODEL", "PROMPT OR ERROR")
    context.output.table(titles, rows, "no jobs", spare=("CREATED", "PROJECT"))
    return ExitCode.DONE


def run_show(context: Context) -> int:
    """Show one job."""
    from mediatui.cli.items import print_record
    from mediatui.studio.reading import job_document

    with context.reader() as reader:
        _, job = reader.job(context.args.ids[0])
    context.output.emit(job_document(job))
    print_record(context.output, job_document(job))
    return ExitCode.DONE


def run_resume(context: Context) -> int:
    """Follow everything unfinished to its end."""
    from mediatui.cli.follow import Follower

    with context.reader() as reader:
        jobs = unfinished(reader, context.args.project)
    if not jobs:
        context.output.emit({"jobs": [], "items": []})
        context.output.note("no unfinished jobs")
        return ExitCode.DONE
    with context.studio() as studio:
        _open_projects(studio, jobs)
        with Follower(studio, context.output) as follower:
            ended = [job.id for job in jobs if job.phase.ended]
            jobs, items = follow(studio, follower, jobs)
            items = _save_rest(studio, follower, jobs, items, ended)
        report(context, studio, jobs, items)
    return outcome(studio, jobs, items)


def run_cancel(context: Context) -> int:
    """Ask to stop the named jobs."""
    from mediatui.cli.follow import Follower

    jobs = _named(context)
    for job in (job for job in jobs if job.phase.ended):
        context.output.note(f"{job.id} has ended already ({job.phase.value})")
    running = [job for job in jobs if not job.phase.ended]
    if not running:
        context.output.emit({"jobs": [_document(job) for job in jobs], "cancelled": []})
        return ExitCode.FAILED
    with context.studio() as studio, Follower(studio, context.output) as follower:
        _open_projects(studio, running)
        answers = {job.id: _ask_to_stop(studio, job) for job in running}
        now = follower.current(jobs)
    asked = [job_id for job_id, answer in answers.items() if answer in (_ASKED, _ASKED_BEFORE)]
    context.output.emit({"jobs": [_document(job) for job in now], "cancelled": asked})
    for job_id, answer in answers.items():
        context.output.line(f"{job_id}  {answer}")
    if any(job.id in asked and not job.phase.ended for job in now):
        context.output.note("`mediatui jobs resume` follows to its end what has not ended yet")
    return ExitCode.DONE if len(asked) == len(jobs) else ExitCode.FAILED


_ASKED, _ASKED_BEFORE = "asked to stop", "was asked to stop before"


def _ask_to_stop(studio: Studio, job: Job) -> str:
    """What came of asking; a provider that does not answer for one job keeps nobody from asking for the next."""
    try:
        if studio.cancel(job.id).result():
            return _ASKED
        if job.cancel_requested:
            return _ASKED_BEFORE
        refused = "too late" if _can_stop(studio, job.provider) else f"{job.provider} cannot be asked to stop a job"
    except MediatuiError as error:
        return f"not stopped: {error.message}"
    return f"{refused}: it goes on to its end"


def _can_stop(studio: Studio, provider: str) -> bool:
    from mediatui.providers.base import Capability

    return Capability.CANCEL in studio.capabilities(provider).result()


def run_retry(context: Context) -> int:
    """Ask the provider again about the named jobs, and save what turns up."""
    from mediatui.cli.follow import Follower

    jobs = _named(context, all_of=_may_have_a_result)
    if not jobs:
        context.output.emit({"jobs": [], "items": []})
        context.output.note("no failed or unknown jobs")
        return ExitCode.DONE
    with context.studio() as studio:
        _open_projects(studio, jobs)
        with Follower(studio, context.output) as follower:
            again = follower.until(studio.recheck([job.id for job in jobs]), f"asking about {plural(len(jobs), 'job')}")
            jobs, items = follow(studio, follower, again)
        report(context, studio, jobs, items)
    return outcome(studio, jobs, items)


def run_dismiss(context: Context) -> int:
    """Forget the named jobs."""
    if context.args.unknown:
        return _give_up(context)
    jobs = _named(context, all_of=lambda job: job.phase.ended)
    count = 0
    if jobs:
        with context.studio() as studio:
            _open_projects(studio, jobs)
            count = studio.dismiss([job.id for job in jobs]).result()
    context.output.emit({"dismissed": count, "asked": len(jobs)})
    context.output.line(f"{plural(count, 'job')} dismissed")
    if count < len(jobs):
        context.output.note(f"{plural(len(jobs) - count, 'job')} kept: still running, or with unsaved items")
    return ExitCode.DONE if count == len(jobs) else ExitCode.FAILED


def _give_up(context: Context) -> int:
    """Close jobs whose submit had no answer and that were never found."""
    if context.args.all:
        raise UsageError("--unknown names each job", hint="`mediatui jobs retry --all` looks for all of them first.")
    jobs = _named(context)
    for job in jobs:
        if job.phase is not Phase.UNKNOWN:
            raise UsageError(f"{job.id} is {job.phase.value}, not unknown", hint="Leave --unknown out.")
    with context.studio() as studio:
        _open_projects(studio, jobs)
        for job in jobs:
            studio.forget_job(job.id).result()
    context.output.emit({"dismissed": len(jobs), "asked": len(jobs)})
    context.output.line(f"{plural(len(jobs), 'job')} given up and dismissed")
    return ExitCode.DONE


def unfinished(reader: Reader, project: str | None) -> list[Job]:
    """Jobs that have not ended, and those that ended with something unsaved that should be saved."""
    waiting = {
        item.job
        for _, item in reader.items(project)
        if item.save_state.wants_saving or item.save_state.value == "saving"
    }
    return [
        job
        for _, job in reader.jobs(project)
        if not job.phase.ended or (job.id in waiting and job.save_policy is SavePolicy.AUTOMATIC)
    ]


def _with_ids(parser: CommandParser, run: Any, *, many: bool = True, everything: str = "") -> None:
    parser.set_defaults(run=run)
    nargs = "*" if everything else "+" if many else 1
    parser.add_argument("ids", type=named, metavar="ID", nargs=nargs, help="a job's id, or a unique start or end of it")
    if everything:
        parser.add_argument("--all", action="store_true", help=everything)
        _add_project(parser, "with --all: only this project's jobs")


def _may_have_a_result(job: Job) -> bool:
    """It failed or came to nothing after it was, or may have been, accepted: asking again can find something."""
    if job.phase is Phase.UNKNOWN:
        return True
    return job.remote_id is not None and (job.phase is Phase.FAILED or came_to_nothing(job))


def _add_project(parser: CommandParser, about: str) -> None:
    """Add ``-p`` after the action; without it what stands before the action holds."""
    parser.add_argument("-p", "--project", type=named, metavar="PROJECT", default=SUPPRESS, help=about)


def _named(context: Context, all_of: Any = None) -> list[Job]:
    ids: Sequence[str] = context.args.ids
    everything = getattr(context.args, "all", False)
    if bool(ids) == everything:
        raise UsageError("name jobs, or --all", hint="`mediatui jobs` lists them.")
    with context.reader() as reader:
        if everything:
            return [job for _, job in reader.jobs(context.args.project) if all_of(job)]
        return list({(job := reader.job(reference)[1]).id: job for reference in ids}.values())


def _open_projects(studio: Studio, jobs: Sequence[Job]) -> None:
    for project in dict.fromkeys(job.project for job in jobs):
        studio.open_project(project).result()


def _save_rest(
    studio: Studio, follower: Follower, jobs: Sequence[Job], items: Sequence[MediaItem], ended: Collection[str]
) -> list[MediaItem]:
    """Save what jobs that had ended before left behind; those that ended now have had their turn."""
    automatic = {job.id for job in jobs if job.save_policy is SavePolicy.AUTOMATIC}
    left = [
        item
        for item in items
        if item.job in automatic and item.save_state.wants_saving and (item.storage_error is None or item.job in ended)
    ]
    if left:
        follower.saves(studio.save([item.id for item in left]), left)
    return follower.outputs(jobs)


def _document(job: Job) -> dict[str, Any]:
    from mediatui.studio.reading import job_document

    return job_document(job)


def _about(job: Job) -> str:
    return one_line(job.error.message if job.error else job.prompt, 200)
