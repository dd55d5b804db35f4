"""Bringing local input files to the provider before a request is sent; on the engine's loop.

A job's parameters keep the path that a person gave, so that it can be generated again; what is sent holds the
address. `Job.extra["input_files"]` says which file went where.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from mediatui.errors import ErrorKind, MediatuiError, ProviderError, UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, Phase
from mediatui.providers.base import (
    Capability,
    FormSchema,
    Provider,
    SimpleUploads,
    Uploaded,
    largest_upload_of,
    uploads_of,
)
from mediatui.steplog import StepName
from mediatui.studio.core import PROGRESS_SECONDS, Core
from mediatui.studio.events import JobProgress
from mediatui.studio.inline import BadInput, LocalFile, check_file, local_places, path_of, with_addresses
from mediatui.studio.job_book import JobBook
from mediatui.studio.uploads import Known, UploadBook
from mediatui.text import human_bytes

INPUT_FILES = "input_files"
"""The name under which a job's `extra` says which local files it was sent with."""

NOT_LOADED = frozenset({"file_download_error", "image_load_error"})
"""Codes of failures that may mean that an uploaded file is gone."""

Place = LocalFile | Known
"""A file that is here, or one that is gone but still lies at the provider."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The local files of one job, checked: its parameters with absolute paths, and what stands in which place."""

    params: dict[str, Any]
    files: dict[str, Place]


class InputDesk:
    """Checks and uploads input files."""

    def __init__(self, core: Core, book: JobBook) -> None:
        self._core, self._book = core, book
        self._uploads = UploadBook(core.locations.uploads_file)
        self._one_at_a_time: dict[tuple[str, str], asyncio.Lock] = {}

    def check(self, provider: Provider, params: dict[str, Any], schema: FormSchema | None) -> Inputs:
        """Check every local file among a job's parameters (blocking). Raises `UsageError`."""
        files: dict[str, Place] = {}
        for place, text in local_places(params, schema):
            found = self._found(provider, place, text)
            if found is not None:
                files[place] = found
        named = with_addresses(params, schema, lambda place, text: str(_path(files[place])) if place in files else text)
        return Inputs(named, files)

    def _found(self, provider: Provider, place: str, text: str) -> Place | None:
        try:
            found = check_file(place, text)
        except UsageError:
            if os.path.lexists(path_of(text)):
                raise
            if (known := self._uploads.find_path(provider.name, path_of(text))) is not None:
                return known
            if Capability.OWN_FILES in provider.capabilities:
                return None  # the name of a file at the provider
            raise
        if Capability.UPLOAD not in provider.capabilities:
            found.as_data_uri()  # says so now if it is too large
        elif (most := largest_upload_of(provider)) is not None and found.size > most:
            size, limit = human_bytes(found.size), human_bytes(most)
            raise BadInput(
                place,
                f"{found.path.name} has {size}, and {provider.title} takes {limit} at most",
                hint="Make it smaller, or give its address on the web.",
            )
        return found

    async def bring(
        self, project: ProjectFolder, job: Job, inputs: Inputs, provider: Provider, schema: FormSchema | None
    ) -> Job:
        """Upload a draft's files and record what will be sent in their place. Raises `MediatuiError`.

        Uploading is no submit: whatever happens here, nothing was sent.
        """
        if not inputs.files:
            return job
        addresses: dict[str, str] = {}
        notes: list[dict[str, Any]] = []
        for place, file in inputs.files.items():
            address, note = await self._bring_one(job, place, file, provider)
            addresses[place] = address
            notes.append(note)

        def change(current: Job) -> Job | None:
            if current.phase is not Phase.DRAFT:
                return None
            sent = with_addresses(current.inputs, schema, lambda place, text: addresses.get(place, text))
            return replace(current, inputs=sent, extra={**current.extra, INPUT_FILES: notes})

        return await self._book.edit(project, job.id, change)

    async def _bring_one(self, job: Job, place: str, file: Place, provider: Provider) -> tuple[str, dict[str, Any]]:
        if isinstance(file, Known):
            url = provider.media_url(file.url)
            return url, _note(place, file.path, file.sha256, file.size, file.content_type, url)
        digest = await self._core.working(file.sha256)
        uploads = Capability.UPLOAD in provider.capabilities
        if uploads:
            address = await self._uploaded(job, file, digest, provider)
        else:
            address = await self._core.working(file.as_data_uri)
        kept = address if uploads else ""
        return address, _note(place, str(file.path), digest, file.size, file.content_type, kept)

    async def _uploaded(self, job: Job, file: LocalFile, digest: str, provider: Provider) -> str:
        """The address of the file at the provider; jobs of one batch upload it once."""
        async with self._one_at_a_time.setdefault((provider.name, digest), asyncio.Lock()):
            known = await self._core.blocking(lambda: self._uploads.find(provider.name, digest))
            if known is not None:
                return provider.media_url(known.url)  # the service may have moved since
            with self._core.steps.step(StepName.UPLOAD, job) as step:
                try:
                    found = await self._upload(job, file, provider)
                except ProviderError as exc:
                    raise _failed(file, provider, exc) from None
                step.bytes, step.detail = file.size, f"{file.field}: {file.path.name}"
            if found.good_until is not None:
                path, until = str(file.path), found.good_until
                entry = Known(provider.name, digest, path, file.size, file.content_type, found.url, until)
                await self._core.blocking(lambda: self._uploads.add(entry))
            return found.url

    async def _upload(self, job: Job, file: LocalFile, provider: Provider) -> Uploaded:
        tell = _Progress(self._core.emit, job, file)
        tell(0)
        if (large := uploads_of(provider)) is not None:
            return await large.upload_file(file.as_upload(), tell)
        data = await self._core.working(lambda: file.read(0, file.size))
        simple = cast(SimpleUploads, provider)
        return Uploaded(await simple.upload(file.path.name, file.content_type, data))

    async def doubt(self, job: Job) -> None:
        """If a job failed because the provider could not load an input, its files are uploaded anew next time."""
        if job.phase is not Phase.FAILED or job.error is None or job.error.code not in NOT_LOADED:
            return
        notes = job.extra.get(INPUT_FILES)
        urls = frozenset(note["url"] for note in notes if note.get("url")) if isinstance(notes, list) else frozenset()
        if urls:
            await self._core.blocking(lambda: self._uploads.forget(urls))


class _Progress:
    """Tells how an upload goes, at most ten times a second; from any thread."""

    def __init__(self, emit: Callable[[JobProgress], None], job: Job, file: LocalFile) -> None:
        self._emit, self._job, self._file, self._last = emit, job, file, 0.0

    def __call__(self, sent: int) -> None:
        moment, size = time.monotonic(), self._file.size
        if sent not in (0, size) and moment - self._last < PROGRESS_SECONDS:
            return
        self._last = moment
        words = f"uploading {self._file.path.name}: {human_bytes(sent)} of {human_bytes(size)}"
        self._emit(JobProgress(self._job.project, self._job.id, Phase.DRAFT, fraction=sent / size, last_log=words))


def _path(file: Place) -> Any:
    return file.path


def _note(place: str, path: str, digest: str, size: int, kind: str, url: str) -> dict[str, Any]:
    known = {"field": place, "path": path, "sha256": digest, "size": size, "content_type": kind}
    return {**known, "url": url} if url else known


def _failed(file: LocalFile, provider: Provider, exc: ProviderError) -> MediatuiError:
    return ProviderError(
        exc.kind if exc.kind is not ErrorKind.AMBIGUOUS_SUBMIT else ErrorKind.TRANSIENT,
        f"{file.field}: {file.path.name} could not be uploaded to {provider.title} ({exc.message}); nothing was sent",
        hint=exc.hint or "Nothing was billed; generate again.",
        fields={file.field: exc.message},
        code=exc.code,
        status=exc.status,
    )
