"""Third-party providers: packages that name a factory in the entry-point group ``mediatui.providers``.

The factory takes `ProviderSettings`, returns a `Provider` and carries ``mediatui_protocol = 1``. What a plug-in
does wrong is reported with its package's name, as any other provider's failure: this module is the fence, and
the one place where every exception of foreign code is caught.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast

from mediatui.errors import ErrorKind, MediatuiError, ProviderError, UsageError
from mediatui.model import Job
from mediatui.providers import plugin_values as values
from mediatui.providers.base import (
    Capability,
    Estimate,
    FormSchema,
    MediaHosts,
    ModelInfo,
    Output,
    Prices,
    Progress,
    Provider,
    SimpleUploads,
    Submitted,
)
from mediatui.providers.http import LOOK_FOR_IT, LOOK_THERE
from mediatui.providers.plugin_loop import PluginLoop
from mediatui.settings import ProviderSettings, Secret
from mediatui.text import one_line

T = TypeVar("T")

GROUP = "mediatui.providers"
PROTOCOL = 1
"""The version of the `Provider` protocol; raised when a plug-in written for the one before would break."""

ANSWER_SECONDS = 120.0
"""How long a plug-in may think about a question that costs nothing."""
WORK_SECONDS = 900.0
"""How long it may take to send a request, a file or a whole answer."""
CLOSE_SECONDS = 2.0
"""How long it may take to let go of its connections."""

_MEMBERS = (
    *("name", "title", "capabilities", "media_hosts", "models", "schema", "submit", "poll", "result"),
    *("outputs", "cancel", "reconcile", "media_url", "download_headers", "aclose"),
)


def installed_plugins() -> dict[str, tuple[EntryPoint, ...]]:
    """The installed plug-ins by provider name; more than one for a name is an error when it is used."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


def load_plugin(settings: ProviderSettings) -> Provider:
    """The plug-in provider of that name, behind the fence (blocking: imports foreign code).

    Raises `UsageError` when none is installed, or naming the package when it cannot be used.
    """
    points = installed_plugins().get(settings.name, ())
    if not points:
        raise UsageError(
            f"there is no provider named {settings.name!r}",
            hint=f"A plug-in for it must be installed in the environment that mediatui runs in (group {GROUP}).",
        )
    packages = sorted({package_of(point) for point in points})
    if len(packages) > 1:
        raise UsageError(
            f"the provider {settings.name!r} is offered by {' and by '.join(packages)}", hint="Uninstall one of them."
        )
    return _made(points[0], packages[0], settings)


def package_of(point: EntryPoint) -> str:
    """The name of the package that an entry point belongs to, with its version."""
    return one_line(f"{point.dist.name} {point.dist.version}", 120) if point.dist else one_line(point.value, 120)


def _made(point: EntryPoint, package: str, settings: ProviderSettings) -> Provider:
    try:
        factory = point.load()
        _check_version(factory, package)
        provider = factory(settings)
        _check_members(provider, settings.name)
        return PluginProvider(provider, package, settings.key)
    except MediatuiError as exc:
        raise _unusable(package, _scrubbed(exc.message, settings.key), exc.hint) from None
    except BaseException as exc:  # the fence: loading runs code that is not ours
        if _is_ours(exc):
            raise
        raise _unusable(package, f"it failed to load ({_said(exc, settings.key)})") from exc


def _check_members(provider: Any, name: str) -> None:
    missing = [member for member in _MEMBERS if not hasattr(provider, member)]
    if missing:
        raise UsageError(f"its provider has no {', '.join(missing)}")
    if provider.name != name:
        raise UsageError(f"its provider calls itself {one_line(provider.name, 40)!r}, not {name!r}")


def _check_version(factory: Any, package: str) -> None:
    if not callable(factory):
        raise UsageError("its entry point is not a function that makes a provider")
    version = getattr(factory, "mediatui_protocol", None)
    if version is None:
        raise UsageError(f"it does not say mediatui_protocol = {PROTOCOL}")
    if version != PROTOCOL:
        newer = isinstance(version, int) and version > PROTOCOL
        hint = "Update mediatui." if newer else f"Update {package}."
        raise UsageError(f"it speaks version {one_line(version, 20)} of the protocol, not {PROTOCOL}", hint=hint)


def _is_ours(exc: BaseException) -> bool:
    """It is we who are being stopped: our task was cancelled or let go of, or somebody pressed ctrl+c."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs here
        task = None
    if isinstance(exc, asyncio.CancelledError):
        return task is not None and task.cancelling() > 0
    if isinstance(exc, GeneratorExit):
        return task is None
    return isinstance(exc, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _is(value: Any, kind: type[Any]) -> bool:
    """What foreign code promised about its types is not to be relied on."""
    return isinstance(value, kind)


def _unusable(package: str, why: str, hint: str = "") -> UsageError:
    offers = "Update or uninstall that package; docs/providers.md says what a plug-in has to offer."
    return UsageError(f"the provider plug-in of {package} cannot be used: {why}", hint=hint or offers)


def _said(exc: BaseException, key: Secret | None) -> str:
    """The kind of an exception and its text, without the key it may hold."""
    return one_line(_scrubbed(f"{type(exc).__name__}: {exc}", key), 200)


def _scrubbed(words: str, key: Secret | None) -> str:
    return words.replace(key.reveal(), "••••") if key else words


class PluginProvider:
    """A plug-in's provider as the studio sees it: only `ProviderError` comes out of it.

    A submit that ends in any other exception, or in something that is no answer, may have been accepted: it
    becomes AMBIGUOUS_SUBMIT and is never sent again.
    """

    def __init__(self, provider: Provider, package: str, key: Secret | None = None) -> None:
        self._inner, self._package, self._key = provider, package, key
        self._loop = PluginLoop(provider.name)
        self.name, self.title = one_line(provider.name, 60), one_line(provider.title, 60)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the plug-in says it can do, as far as this version knows it."""
        said = {c for c in self._called(lambda: tuple(self._inner.capabilities)) if _is(c, Capability)}
        return frozenset(said if hasattr(self._inner, "upload") else said - {Capability.UPLOAD})

    @property
    def media_hosts(self) -> MediaHosts:
        """From where its outputs may be downloaded."""
        return self._expect(self._called(lambda: self._inner.media_hosts), MediaHosts, "media_hosts")

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The plug-in's models."""
        found = self._listed(await self._awaited(self._inner.models, query, limit), "models")
        read = (values.model(each) for each in found if isinstance(each, ModelInfo))
        return [each for each in read if each is not None][:limit]

    async def schema(self, model: str) -> FormSchema | None:
        """The model's inputs."""
        found = await self._awaited(self._inner.schema, model)
        if found is not None and not values.is_form(found):
            raise self._broken(f"schema gave {type(found).__name__}, which is no form")
        return cast("FormSchema | None", found)

    async def submit(self, job: Job) -> Submitted:
        """Send it, once."""
        try:
            found = values.submitted(await self._loop.run(WORK_SECONDS, self._inner.submit, job), self._package)
        except ProviderError as exc:
            raise self._sound(exc) from None
        except BaseException as exc:  # the fence: foreign code raises anything, and it may have sent it
            if _is_ours(exc):
                raise
            raise self._ambiguous(_said(exc, self._key)) from exc
        if found is None:
            raise self._ambiguous("no answer with a request id")
        return found

    def _sound(self, exc: ProviderError) -> ProviderError:
        """The error of a submit; one of a kind that there is not says nothing of what became of the request."""
        if not _is(exc.kind, ErrorKind):
            return self._ambiguous("an error of no known kind")
        return values.sound(exc) or exc

    async def poll(self, job: Job) -> Progress:
        """How it goes."""
        found = self._expect(await self._awaited(self._inner.poll, job), Progress, "poll")
        with self._fenced():
            return values.progress(found, self._package)

    async def result(self, job: Job) -> bytes:
        """The raw answer. A plug-in that stumbles over it says nothing of the job, which may well have succeeded."""
        with self._fenced(ErrorKind.TRANSIENT):
            raw = values.raw_answer(await self._loop.run(WORK_SECONDS, self._inner.result, job))
            if raw is None:
                raise TypeError("result gave no answer")
            return raw

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in a raw answer."""
        found = self._listed(self._called(self._inner.outputs, job, raw), "outputs")
        if not all(isinstance(output, Output) for output in found):
            raise self._broken("outputs gave something else than outputs")
        with self._fenced():
            return values.outputs(found)

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it."""
        return bool(await self._awaited(self._inner.cancel, job))

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Find a request whose submit had no answer."""
        found = await self._awaited(self._inner.reconcile, job, known)
        return None if found is None else values.submitted(found, self._package)

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the plug-in's service."""
        with self._fenced():
            upload = cast(SimpleUploads, self._inner).upload
            found = await self._loop.run(WORK_SECONDS, upload, name, content_type, data)
        return self._expect(found, str, "upload")

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What a request is expected to cost; None from a plug-in that cannot say."""
        if not hasattr(self._inner, "estimate"):
            return None
        found = await self._awaited(cast(Prices, self._inner).estimate, model, inputs)
        if found is None:
            return None
        if (read := values.estimate(self._expect(found, Estimate, "estimate"))) is None:
            raise self._broken("estimate gave no amount")
        return read

    def media_url(self, url: str) -> str:
        """The address to download from now."""
        return self._expect(self._called(self._inner.media_url, url), str, "media_url")

    def download_headers(self, url: str) -> Mapping[str, str]:
        """Headers for an output delivered by PROVIDER_URL."""
        found = self._called(self._inner.download_headers, url)
        if not values.are_headers(found):
            raise self._broken("download_headers gave no headers")
        return dict(found)

    async def aclose(self) -> None:
        """Let go of connections; what goes wrong now no longer matters."""
        try:
            await self._loop.run(CLOSE_SECONDS, self._inner.aclose)
        except BaseException as exc:  # the fence: foreign code raises anything
            if _is_ours(exc):
                raise
        finally:
            self._loop.stop()

    # -- the fence

    def _called(self, function: Any, *arguments: Any) -> Any:
        with self._fenced():
            return function(*arguments)

    async def _awaited(self, function: Any, *arguments: Any) -> Any:
        with self._fenced():
            return await self._loop.run(ANSWER_SECONDS, function, *arguments)

    @contextmanager
    def _fenced(self, kind: ErrorKind = ErrorKind.INTERNAL) -> Iterator[None]:
        try:
            yield
        except ProviderError as exc:
            raise values.sound(exc) or exc from None
        except BaseException as exc:  # the fence: foreign code raises anything
            if _is_ours(exc):
                raise
            raise self._broken(_said(exc, self._key), kind) from exc

    def _expect(self, value: Any, kind: type[T], what: str) -> T:
        if not isinstance(value, kind):
            raise self._broken(f"{what} gave {type(value).__name__}, not {kind.__name__}")
        return value

    def _listed(self, value: Any, what: str) -> list[Any]:
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise self._broken(f"{what} gave {type(value).__name__}, not a sequence")
        return list(value)

    def _broken(self, why: str, kind: ErrorKind = ErrorKind.INTERNAL) -> ProviderError:
        return ProviderError(
            kind,
            f"the provider plug-in of {self._package} failed: {why}",
            hint="Update the package, or tell its makers.",
        )

    def _ambiguous(self, why: str) -> ProviderError:
        return ProviderError(
            ErrorKind.AMBIGUOUS_SUBMIT,
            f"the provider plug-in of {self._package} failed while sending ({why}); "
            "it may have been accepted and billed",
            hint=LOOK_FOR_IT if Capability.RECONCILE in self.capabilities else LOOK_THERE,
        )
