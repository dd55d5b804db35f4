"""``mediatui generate``: send a prompt to one or more models and follow it until the files are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mediatui.cli.arguments import named, whole, written
from mediatui.cli.fence import Interrupted
from mediatui.cli.options import add_allow_host_option, add_project_option, values
from mediatui.cli.saving import host_hints, named_remarks
from mediatui.errors import ErrorKind, ExitCode, MediatuiError, UsageError
from mediatui.model import Phase, SavePolicy, SaveState, needs_saving
from mediatui.text import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from mediatui.cli.context import Context
    from mediatui.cli.follow import Follower
    from mediatui.cli.options import CommandParser
    from mediatui.cli.params import Requested
    from mediatui.model import Job, MediaItem
    from mediatui.providers.base import FormSchema
    from mediatui.settings import Settings
    from mediatui.studio.pricing import BatchCost
    from mediatui.studio.requests import GenerateRequest
    from mediatui.studio.studio import Studio

SCHEMA_SECONDS = 10.0
"""How long a model's schema is waited for; without it parameters are sent as they are spelled."""

RESUME_HINT = "The jobs go on at the provider; `mediatui jobs resume` follows them to the end."


def configure(parser: CommandParser) -> None:
    """Add the options of ``generate``."""
    parser.set_defaults(run=run)
    parser.intermixed = True
    parser.add_argument("prompt", type=written, metavar="PROMPT", help="what to make; - reads it from stdin")
    parser.add_argument(
        "pairs", type=written, metavar="K=V", nargs="*", default=[], help="model parameters, as with --param"
    )
    add_project_option(parser, "the project, by id or name; made when there is none (default: Inbox)")
    parser.add_argument(
        "-m", "--model", dest="models", type=named, metavar="MODEL", action="append", required=True,
        help="a model's id; several make one job each",
    )  # fmt: skip
    parser.add_argument(
        "--param", dest="params", type=written, metavar="K=V", action="append", default=[],
        help="a model parameter, such as duration=5; may be repeated",
    )  # fmt: skip
    parser.add_argument("--params-json", type=named, metavar="JSON", help="parameters as a JSON object, or @FILE")
    parser.add_argument("--seed", type=whole, metavar="N", help="the seed, to make the same thing again")
    parser.add_argument(
        "--image", type=named, metavar="FILE_OR_URL", help="the picture to start from; a file is uploaded"
    )
    saving = parser.add_mutually_exclusive_group()
    saving.add_argument(
        "--no-save", action="store_const", dest="save_policy", const=SavePolicy.URL_ONLY.value,
        help="keep only the address of what is made",
    )  # fmt: skip
    saving.add_argument("--save-policy", choices=values(list(SavePolicy)), help="what happens to what is made")
    add_allow_host_option(parser)
    parser.add_argument("--detach", action="store_true", help="return as soon as the provider has the jobs")
    parser.add_argument("--estimate", action="store_true", help="say what it would cost and send nothing")
    parser.add_argument("--yes", action="store_true", help="send also what costs more than jobs.confirm_above")
    parser.examples(
        'mediatui generate "a lighthouse at dusk" -p demo -m sandbox/text-to-video',
        "mediatui generate - -m sandbox/text-to-image --param image_size=square --seed 7 < prompt.txt",
        'mediatui generate "waves" -m sandbox/text-to-video -m sandbox/text-to-audio --json',
        'mediatui generate "push in" -m sandbox/image-to-video --image ~/shot.png --estimate',
    )


def run(context: Context) -> int:
    """Send, follow and report."""
    from mediatui.cli.follow import Follower
    from mediatui.studio.pricing import FREE

    prompt, requested = _what(context.args)
    _check_providers(context.settings, context.args.models)
    project = context.args.project or context.settings.default_project
    with context.studio(looks=context.args.estimate) as studio:
        request = _request(context, studio, prompt, project, requested)
        cost = studio.estimate(request).result()
        if context.args.estimate:
            return _tell_cost(context, cost)
        if cost.text != FREE:
            context.output.note(cost.text)
        with Follower(studio, context.output) as follower:
            jobs, items = _make(context, studio, follower, request)
        report(context, studio, jobs, items)
    return outcome(studio, jobs, items, detached=context.args.detach)


def _tell_cost(context: Context, cost: BatchCost) -> int:
    """Print what a request would cost."""
    from mediatui.studio.pricing import cost_document

    context.output.emit(cost_document(cost))
    for job in cost.jobs if len(cost.jobs) > 1 else ():
        context.output.line(f"{job.model}  {job.text}")
    context.output.line(cost.text)
    return ExitCode.DONE


def report(context: Context, studio: Studio, jobs: Sequence[Job], items: Sequence[MediaItem]) -> None:
    """Print what came of the jobs: paths (or addresses) and what to do next for people, one document for programs."""
    context.output.emit(document(studio, jobs, items))
    for project in dict.fromkeys(job.project for job in jobs if not job.phase.ended):
        if not (context.locations.projects / project).exists():
            context.output.note(
                f"the project {project} was deleted meanwhile; `mediatui projects restore {project}` brings it back"
            )
    for hint in dict.fromkeys((*_hints(jobs, items), *host_hints(items))):
        context.output.note(f"  {hint}")
    if context.output.stdout_is_terminal and context.output.stderr_is_terminal:
        return  # the progress lines have just said it
    for item in items:
        place = studio.file_of(item) if item.save_state is SaveState.SAVED else item.url
        context.output.line(str(place or item.id))


def _hints(jobs: Sequence[Job], items: Sequence[MediaItem]) -> Iterator[str]:
    for job in jobs:
        if job.error is not None and job.error.hint:
            yield job.error.hint
        elif job.phase.following:
            yield RESUME_HINT
    yield from named_remarks(items)
    if any(needs_saving(item) and item.storage_error for item in items):
        yield "`mediatui retry --all` saves what is unsaved."


def document(studio: Studio, jobs: Sequence[Job], items: Sequence[MediaItem]) -> dict[str, Any]:
    """Jobs and their items as JSON."""
    from mediatui.studio.reading import item_document, job_document

    return {
        "jobs": [job_document(job) for job in jobs],
        "items": [item_document(item, studio.file_of(item)) for item in items],
    }


def outcome(studio: Studio, jobs: Sequence[Job], items: Sequence[MediaItem], *, detached: bool = False) -> ExitCode:
    """The exit code: a refused key first, then any failure, then anything not saved that should be.

    Jobs that were followed and have not ended could not be followed to their end.
    """
    failed = [job for job in jobs if job.phase in (Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN) or _stands_still(job)]
    failed += [job for job in jobs if came_to_nothing(job)]
    if not detached:
        failed += [job for job in jobs if not job.phase.ended]
    if any(job.error and ErrorKind(job.error.kind).stops_batch for job in failed):
        return ExitCode.KEY_OR_BALANCE
    if failed:
        return ExitCode.FAILED
    policies = {job.id: job.save_policy for job in jobs}
    if any(_should_be_saved(item, policies.get(item.job or "")) for item in items):
        return ExitCode.UNSAVED
    if any(studio.not_kept(job.id) for job in jobs):
        return ExitCode.UNSAVED
    return ExitCode.DONE


def came_to_nothing(job: Job) -> bool:
    """It ended well at the provider, whose answer holds nothing that could be saved: its record says why."""
    return job.phase is Phase.SUCCEEDED and job.error is not None


def _stands_still(job: Job) -> bool:
    """It is at the provider, and nobody can ask for it: its record says why."""
    return job.phase.following and job.error is not None and not ErrorKind(job.error.kind).retry_read


def _should_be_saved(item: MediaItem, policy: SavePolicy | None) -> bool:
    return item.save_state is not SaveState.SAVED and policy in (SavePolicy.AUTOMATIC, None)


def _what(args: argparse.Namespace) -> tuple[str, Requested]:
    from mediatui.cli.params import Requested, parse_object, parse_pairs, read_prompt

    texts = parse_pairs([*args.params, *args.pairs])
    given = parse_object(args.params_json) if args.params_json else {}
    if args.seed is not None:
        if "seed" in texts:
            raise UsageError("--seed and seed= are the same parameter", hint="Give one of the two.")
        given["seed"] = args.seed
    if args.image is not None and args.image.startswith(("/", "~", "./", "../")):
        from mediatui.studio.inline import check_file

        check_file("--image", args.image)  # at once; any other name may be one that the provider knows
    return read_prompt(args.prompt), Requested(texts, given, args.image)


def _check_providers(settings: Settings, models: Sequence[str]) -> None:
    """Refuse ``provider:model`` of a provider that is not in use: another one would take it all for a model's id.

    Raises `UsageError`, or `ProviderError` for one without a key.
    """
    for model in models:
        name, _, rest = model.partition(":")
        provider = settings.providers.get(name)
        if not rest.strip() or provider is None or name in settings.usable_providers:
            continue
        if settings.sandbox:
            hint = "Leave out --sandbox (or MEDIATUI_SANDBOX, or `sandbox = true` in the settings)."
            raise UsageError(f"{model}: only the sandbox is used now", hint=hint)
        if provider.needs_key:
            from mediatui.providers.registry import missing_key

            raise missing_key(provider)
        raise UsageError(
            f"{model}: the provider {name!r} is not set up", hint=f"`mediatui config edit` to add [providers.{name}]."
        )


def _request(context: Context, studio: Studio, prompt: str, project: str, requested: Requested) -> GenerateRequest:
    from mediatui.cli.params import fit
    from mediatui.studio.requests import GenerateRequest

    models = tuple(dict.fromkeys(context.args.models))
    if len(models) < len(context.args.models):
        context.output.note("a model that is named twice gets one job")
    policy = context.args.save_policy
    schemas = {model: _schema(studio, model) if requested else None for model in models}
    fitted, warnings = fit(requested, schemas)
    for warning in warnings:
        context.output.note(warning)
    return GenerateRequest(
        prompt=prompt,
        models=models,
        project=project,
        params={},
        params_by_model=fitted,
        save_policy=SavePolicy(policy) if policy else None,
        confirmed=context.args.yes,
    )


def _schema(studio: Studio, model: str) -> FormSchema | None:
    # A schema only helps to type parameters, so its absence is no reason not to send them.
    try:
        return studio.schema(model).result(SCHEMA_SECONDS)
    except (MediatuiError, TimeoutError):
        return None


def _make(
    context: Context, studio: Studio, follower: Follower, request: GenerateRequest
) -> tuple[list[Job], list[MediaItem]]:
    sending = studio.generate(request)
    try:
        jobs = follower.until(sending, f"sending to {plural(len(request.models), 'model')}")
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted while sending",
            hint="A request may have been accepted; `mediatui jobs` shows what became of it.",
        ) from None
    if not context.args.detach:
        return follow(studio, follower, jobs)
    follower.show(jobs)
    for job in jobs:
        context.output.line(job.id)
    return list(jobs), follower.outputs(jobs)


def follow(studio: Studio, follower: Follower, jobs: Sequence[Job]) -> tuple[list[Job], list[MediaItem]]:
    """Follow jobs until each ended and its outputs were saved, refused or left.

    Raises `Interrupted` with what is known so far.
    """
    try:
        follower.jobs(studio.wait([job.id for job in jobs]), jobs)
    except KeyboardInterrupt:
        known: Mapping[str, Any] = document(studio, follower.current(jobs), follower.outputs(jobs))
        raise Interrupted("interrupted", hint=RESUME_HINT, document=known) from None
    return follower.current(jobs), follower.outputs(jobs)
