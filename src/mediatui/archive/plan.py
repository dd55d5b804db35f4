"""What an export will hold, found out before a byte is written."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mediatui.archive.naming import NameTemplate, parse_template
from mediatui.errors import UsageError
from mediatui.library.files import free_bytes, media_name
from mediatui.locations import expanded
from mediatui.model import MediaItem, MediaType, Project, SaveState, new_id
from mediatui.text import file_stem

MAX_TILES = 2_000
"""Items on a contact sheet that is a picture."""

_STEM_BYTES = 180
_EXTENSION_CHARACTERS = 10
_DEFAULT_EXTENSIONS = {MediaType.VIDEO: "mp4", MediaType.IMAGE: "png", MediaType.AUDIO: "wav"}
_BY_MIME = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/svg+xml": "svg",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
}


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """One item that will be in the archive as `name`: from `source` where that can be read, else from `url`.

    `size` is in bytes; None while it is not known.
    """

    item: MediaItem
    name: str
    source: Path | None
    url: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class MissingEntry:
    """One item that is not in the archive, and why, in words."""

    item: MediaItem
    reason: str
    host: str = ""
    """The media host that nobody has allowed, where that is why."""


class Sheet(StrEnum):
    """An overview that lies beside the media."""

    HTML = "html"
    IMAGE = "image"

    @property
    def file_name(self) -> str:
        """Its name in the export."""
        return {"html": "contact-sheet.html", "image": "contact-sheet.jpg"}[self.value]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Choices of an export. `folder`: a folder in place of a ZIP file; `names`: a template (see `naming`), else
    files keep theirs; `embed`: copies say how they were made.
    """

    folder: bool = False
    names: str = ""
    embed: bool = False
    sheets: frozenset[Sheet] = frozenset()


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What `write_export` will do; shown first. `bytes` counts the known sizes, `unknown_sizes` the other entries."""

    id: str
    project: Project
    target: Path
    entries: tuple[ExportEntry, ...]
    missing: tuple[MissingEntry, ...]
    files: int
    bytes: int
    unknown_sizes: int
    free: int
    options: ExportOptions = ExportOptions()


def plan_export(
    project: Project,
    folder: Path,
    items: Sequence[MediaItem],
    target: Path | None = None,
    options: ExportOptions = ExportOptions(),
) -> ExportPlan:
    """Plan an archive of `items`, whose paths are relative to `folder`.

    `target` is a file or a folder; by default a dated name in the current directory, or in the home
    directory where the current one takes no files. The plan never names an existing file. Raises
    `UsageError` for a target or name template that cannot be, `StorageError` when the disk cannot be measured.
    """
    names = parse_template(options.names) if options.names else None
    if Sheet.IMAGE in options.sheets and len(items) > MAX_TILES:
        raise UsageError(f"{len(items):,} items are too many for one picture", hint=f"At most {MAX_TILES:,}.")
    target = _target(project, target, "" if options.folder else ".zip")
    entries: list[ExportEntry] = []
    missing: list[MissingEntry] = []
    taken: set[str] = {"manifest.json", *(sheet.file_name for sheet in Sheet)}
    for item in items:
        source, size = _local(folder, item)
        url = item.url if item.save_state is not SaveState.EXPIRED else None
        if source is None and url is None:
            missing.append(MissingEntry(item, _why_missing(item)))
            continue
        name = _unique(_templated(names, len(entries) + 1, item, project) or _archive_name(item), taken)
        entries.append(ExportEntry(item, name, source, url, item.file_size if source is None else size))
    sizes = [entry.size for entry in entries if entry.size is not None]
    return ExportPlan(
        id=new_id(),
        project=project,
        target=target,
        entries=tuple(entries),
        missing=tuple(missing),
        files=len(entries),
        bytes=sum(sizes),
        unknown_sizes=len(entries) - len(sizes),
        free=free_bytes(target.parent),
        options=options,
    )


def preview_names(template: str, items: Sequence[MediaItem], project: Project, limit: int = 5) -> tuple[str, ...]:
    """The names a template gives the first items. Raises `UsageError` for a template that makes no sense."""
    names, taken = parse_template(template), {"manifest.json"}
    made = (_templated(names, number, item, project) for number, item in enumerate(items[:limit], 1))
    return tuple(_unique(name, taken) for name in made if name)


def _templated(names: NameTemplate | None, number: int, item: MediaItem, project: Project) -> str | None:
    if names is None:
        return None
    ending = PurePosixPath(_archive_name(item)).suffix
    return f"{item.type.folder}/{names.stem(number, item, project.name)}{ending}"


def _target(project: Project, wanted: Path | None, ending: str) -> Path:
    dated = f"{file_stem(project.name)}-{time.strftime('%Y%m%d-%H%M%S')}{ending}"
    if wanted is None:
        here = Path.cwd()
        wanted = (here if os.access(here, os.W_OK | os.X_OK) else Path.home()) / dated
    wanted = expanded(wanted).absolute()
    if wanted.is_dir():
        wanted /= dated
    if not wanted.parent.is_dir():
        raise UsageError(f"there is no folder {wanted.parent}", hint="Create it, or choose another target.")
    return next(path for path in _candidates(wanted) if not os.path.lexists(path))


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def _local(folder: Path, item: MediaItem) -> tuple[Path | None, int | None]:
    """The item's file (or its bytes written down before saving) and its size, when it is a file in the project."""
    home = folder.resolve()
    for relative in (item.path, item.spool):
        if not relative:
            continue
        try:
            path = (folder / relative).resolve()
            info = path.stat()
        except (OSError, ValueError, RuntimeError):
            continue
        if stat.S_ISREG(info.st_mode) and path.is_relative_to(home):
            return path, info.st_size
    return None, None


def _why_missing(item: MediaItem) -> str:
    if item.save_state is SaveState.EXPIRED:
        return "its URL has expired and it was never saved"
    if item.path:
        return f"its file {item.path} is not there, and there is no URL to download it from"
    return "it was never saved, and there is no URL to download it from"


def _archive_name(item: MediaItem) -> str:
    """``videos/…``: the file's own name made harmless, or the name it would have been saved as."""
    if item.path:
        name = PurePosixPath(item.path.replace("\\", "/"))
        stem, extension = name.stem, name.suffix
    else:
        made = PurePosixPath(media_name(item.type, item.model, int(item.created_at * 1000), _extension(item)))
        stem, extension = made.stem, made.suffix
    extension = "".join(c for c in extension.lower() if c.isascii() and c.isalnum())[:_EXTENSION_CHARACTERS]
    return f"{item.type.folder}/{file_stem(stem, _STEM_BYTES)}.{extension or 'bin'}"


def _extension(item: MediaItem) -> str:
    mime = (item.content_type or "").partition(";")[0].strip().lower()
    if mime in _BY_MIME:
        return _BY_MIME[mime]
    try:
        path = unquote(urlsplit(item.url or "").path)
    except ValueError:
        path = ""
    suffix = PurePosixPath(path).suffix.removeprefix(".")
    return suffix if suffix.isascii() and suffix.isalnum() else _DEFAULT_EXTENSIONS[item.type]


def _unique(name: str, taken: set[str]) -> str:
    """`name`, numbered if it (or its spelling in other letter case) is taken."""
    for path in _candidates(Path(name)):
        if (key := path.as_posix().casefold()) not in taken:
            taken.add(key)
            return path.as_posix()
    raise AssertionError("unreachable")
