"""Reading the step log: all of it, what concerns one item or job, or what is added from now on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mediatui.steplog.clean import DETAIL_CHARS
from mediatui.steplog.step import KEPT, Step, aside, is_at
from mediatui.text import is_time, one_line

BLOCK = 1 << 20
"""Bytes that are read at a time, and more than a line about a step has."""


def read_steps(path: Path, *, item: str = "", job: str = "", project: str = "", limit: int | None = None) -> list[Step]:
    """The steps of an item, a job or a project (all when none is named), oldest first; the last `limit` of them.

    An item's steps are its own and those of the job that made it. Lines that cannot be read are passed over;
    a file that cannot be is left out. Blocking.
    """
    needles = [_as_written(name) for name in (_job_of(item) or item, job, project) if name]
    found = (
        step
        for line in _lines_backwards(path)
        if all(needle in line for needle in needles)
        and (step := _parse(line)) is not None
        and belongs(step, item, job, project)
    )
    return list(islice(found, limit))[::-1]


def logged_names(path: Path, field: str, reference: str) -> frozenset[str]:
    """The items, jobs or projects (by `field`) of the log whose name is, starts or ends like that. Blocking."""
    needle = _as_written(reference)
    steps = (_parse(line) for line in _lines_backwards(path) if needle in line)
    names: set[str] = {getattr(step, field) for step in steps if step is not None}
    return frozenset(name for name in names if name.startswith(reference) or name.endswith(reference))


def _as_written(name: str) -> bytes:
    """A name as every line about it holds it: to look for that is much faster than to parse them all."""
    return json.dumps(name, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """The log's lines, the latest first."""
    with ExitStack() as stack:
        files = []
        for number in range(KEPT + 1):  # all at once: they may be put aside meanwhile
            with suppress(OSError):
                files.append(stack.enter_context(_opened(aside(path, number))))
        for file in files:
            with suppress(OSError):
                yield from _backwards(file)


def _backwards(file: IO[bytes]) -> Iterator[bytes]:
    """A file's lines, the last first, a block at a time; of a line that is longer than any step, no more than parts."""
    position, rest = file.seek(0, os.SEEK_END), b""
    while position > 0:
        size = min(BLOCK, position)
        position = file.seek(position - size)
        first, *lines = (file.read(size) + rest).split(b"\n")
        yield from reversed(lines)
        rest = first if len(first) <= BLOCK else b""
    yield rest


def _opened(path: Path) -> IO[bytes]:
    """The file, open; a pipe in its place is not waited for. Raises `OSError`."""
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.open("rb")


def belongs(step: Step, item: str = "", job: str = "", project: str = "") -> bool:
    """The step is one of this item's, job's or project's; an empty name asks for nothing."""
    if item and step.item != item and (step.item or not step.job or step.job != _job_of(item)):
        return False
    return (not job or step.job == job) and (not project or step.project == project)


def _job_of(item: str) -> str:
    """The job that made an item, by their identifiers; empty where it is not one of a job's."""
    return item.rpartition("-")[0]


class Tail:
    """The steps that are added from now on, also by other processes and across a file that is put aside."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._rest = b""
        self._open(at_end=not from_start)

    def read(self) -> list[Step]:
        """What was added since the last call; never waits."""
        steps = list(self._drain())
        if self._file is None or not is_at(self._file.fileno(), self._path):
            self.close()
            self._open(at_end=False)
            steps += self._drain()
        return steps

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _open(self, *, at_end: bool) -> None:
        try:
            self._file = _opened(self._path)
        except OSError:
            return
        if at_end:
            self._file.seek(0, os.SEEK_END)

    def _drain(self) -> Iterator[Step]:
        if self._file is None:
            return
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        yield from (step for step in map(_parse, lines) if step)


_TOO_MUCH = 1 << 63


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_time(value)


def _parse(line: bytes) -> Step | None:
    """A line as a step; None when it is none. The file may have been written by another version, or by hand."""
    try:
        document: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping) or not _is_time(document.get("time")):
        return None
    values: dict[str, Any] = {"time": float(document["time"])}
    for field in fields(Step):
        value = document.get(field.name)
        if field.name in ("milliseconds", "bytes", "attempt"):
            values[field.name] = value if type(value) is int and 0 <= value < _TOO_MUCH else None
        elif field.name != "time" and isinstance(value, str):
            values[field.name] = one_line(value, DETAIL_CHARS)
    return Step(**values) if "step" in values else None
