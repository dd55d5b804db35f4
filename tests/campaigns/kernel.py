"""Between Python and the kernel: what this process asks about one folder is counted, recorded and may be refused.

Nothing of the product is replaced. The functions of `os`, `io` and `fcntl` that ask the kernel are, so that a test
may give the kernel's answers (no room, an I/O error) at any call, and know what was written in which order.
"""

from __future__ import annotations

import builtins
import fcntl
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.campaigns.disk import Disk, Unrecorded

LOOKS = ("stat", "lstat", "access", "readlink", "statvfs", "scandir", "listdir")
CHANGES = ("mkdir", "rmdir", "unlink", "remove", "utime", "chmod", "truncate")
PAIRS = ("rename", "replace", "link")
ON_FILES = ("write", "read", "pread", "fsync", "fdatasync", "ftruncate", "fstat", "lseek", "sendfile", "fchmod")


@dataclass(frozen=True, slots=True)
class Call:
    """One question to the kernel. `number` counts from 1."""

    number: int
    name: str
    path: str

    @property
    def changes(self) -> bool:
        """Whether it may change what lies on the disk."""
        return self.name not in LOOKS and self.name not in ("look", "read", "pread", "fstat", "lseek", "flock")


def nobody(_call: Call) -> None:
    """Refuses nothing."""


class Kernel:
    """While entered, `refuse` hears of every call about `root` before it happens; what it raises is the answer.

    `disk` holds every change that succeeded, in order, and every sync, when the folder was empty in the beginning.
    """

    def __init__(self, root: Path, refuse: Callable[[Call], None] = nobody) -> None:
        self.root = os.fspath(root)
        self.refuse = refuse
        self.calls = 0
        self.disk = Unrecorded(self.root) if os.listdir(root) else Disk(self.root)
        self._files: dict[int, str] = {}
        self._before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Kernel:
        for name in (*LOOKS, *CHANGES):
            self._patch(os, name, self._on_path)
        for name in PAIRS:
            self._patch(os, name, self._on_pair)
        for name in ON_FILES:
            self._patch(os, name, self._on_file)
        self._patch(os, "open", self._on_open)
        self._patch(os, "close", self._on_close)
        self._patch(fcntl, "flock", self._on_file)
        self._patch(io, "open", self._on_stream)
        self._patch(builtins, "open", self._on_stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            module, name, real = self._before.pop()
            setattr(module, name, real)

    def ask(self, name: str, path: str) -> None:
        """Count a call, and let it be refused."""
        self.calls += 1
        self.refuse(Call(self.calls, name, path[len(self.root) + 1 :]))

    def inside(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The absolute path when it is about our folder."""
        if isinstance(path, int):
            return self._files.get(path)
        text = os.fsdecode(os.fspath(path))
        if dir_fd is not None:
            folder = self._files.get(dir_fd)
            text = f"{folder}/{text}" if folder else ""
        return text if text == self.root or text.startswith(self.root + "/") else None

    def _patch(self, module: Any, name: str, wrap: Callable[[str, Any], Any]) -> None:
        real = getattr(module, name)
        self._before.append((module, name, real))
        setattr(module, name, wrap(name, real))

    def _on_path(self, name: str, real: Any) -> Any:
        def call(path: Any = ".", *rest: Any, dir_fd: int | None = None, **named: Any) -> Any:
            where = self.inside(path, dir_fd)
            if dir_fd is not None:
                named["dir_fd"] = dir_fd
            if where is None:
                return real(path, *rest, **named)
            self.ask(name, where)
            answer = real(path, *rest, **named)
            if name in CHANGES:
                self.disk.changed(name, where)
            return answer

        return call

    def _on_pair(self, name: str, real: Any) -> Any:
        def call(source: Any, target: Any, **named: Any) -> None:
            where, there = self.inside(source), self.inside(target)
            if where is None or there is None:
                real(source, target, **named)
                return
            self.ask(name, there)
            real(source, target, **named)
            (self.disk.linked if name == "link" else self.disk.renamed)(where, there)

        return call

    def _on_file(self, name: str, real: Any) -> Any:
        def call(fd: Any, *rest: Any) -> Any:
            where = self._files.get(fd)
            if where is None:
                return real(fd, *rest)
            self.ask(name, where)
            answer = real(fd, *rest)
            if name == "write":
                self.disk.wrote(fd, bytes(rest[0])[:answer])
            elif name == "ftruncate":
                self.disk.cut(fd, rest[0])
            elif name in ("fsync", "fdatasync"):
                self.disk.synced(fd)
            elif name == "lseek":
                self.disk.moved(fd, answer)
            elif name == "sendfile" and answer:
                raise OSError("copies are made with plain writes here")
            return answer

        return call

    def _on_open(self, _name: str, real: Any) -> Any:
        def call(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            where = self.inside(path, dir_fd)
            if where is None:
                return int(real(path, flags, mode, dir_fd=dir_fd))
            self.ask("open" if flags & (os.O_CREAT | os.O_ACCMODE) else "look", where)
            fd = int(real(path, flags, mode, dir_fd=dir_fd))
            self._opened(fd, where, flags)
            return fd

        return call

    def _opened(self, fd: int, where: str, flags: int) -> None:
        self._files[fd] = where
        self.disk.opened(fd, where, flags)

    def _on_close(self, _name: str, real: Any) -> Any:
        def call(fd: int) -> None:
            self._files.pop(fd, None)  # and no question: what matters was synced before
            real(fd)

        return call

    def _on_stream(self, _name: str, real: Any) -> Any:
        def call(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **named: Any) -> Any:
            where = self.inside(file)
            if where is None:
                return real(file, mode, buffering, *rest, **named)
            raw = _Raw(self, where, file, mode.replace("b", "").replace("t", ""), named.pop("closefd", True))
            if buffering == 0:
                return raw
            kind: Any = io.BufferedReader if mode[0] == "r" else io.BufferedWriter
            stream = kind(raw, buffering if buffering > 0 else io.DEFAULT_BUFFER_SIZE)
            return stream if "b" in mode else io.TextIOWrapper(stream, *rest, **named)

        return call


class _Raw(io.FileIO):
    """An unbuffered file whose calls are counted as those of `os` are."""

    def __init__(self, kernel: Kernel, where: str, file: Any, mode: str, closefd: bool) -> None:
        self._kernel, self._where, self._ours = kernel, where, not isinstance(file, int)
        if self._ours:
            kernel.ask("look" if mode == "r" else "open", where)
        super().__init__(file, mode, closefd)
        if self._ours:
            flags = {"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "x": os.O_WRONLY | os.O_CREAT}
            kernel._opened(self.fileno(), where, flags[mode[0]])

    def write(self, data: Any) -> int:
        self._kernel.ask("write", self._where)
        count = super().write(data)
        self._kernel.disk.wrote(self.fileno(), bytes(data)[:count])
        return count

    def readinto(self, buffer: Any) -> int:
        self._kernel.ask("read", self._where)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._kernel.ask("read", self._where)
        return super().readall()

    def close(self) -> None:
        if not self.closed and self._ours:
            self._kernel._files.pop(self.fileno(), None)
        super().close()
