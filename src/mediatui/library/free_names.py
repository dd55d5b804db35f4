"""Names that nobody has yet: each is given by one writer only, whether there are hard links or not."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from mediatui.library.lock import hold

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES)
"""The `OSError` numbers that mean "no hard links here"."""


def give_name(file: Path, target: Path) -> Path:
    """Give a complete file the first free name like `target`, not yet synced, and return that.

    Where the file system has links it keeps its former name too. Raises `OSError`.
    """
    for name in _candidates(target):
        try:
            _rename_new(file, name)
        except FileExistsError:
            continue
        return name
    raise AssertionError("unreachable")


def is_empty(path: Path) -> bool:
    """Whether there is a file without a byte. Raises `OSError`."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def _candidates(target: Path) -> Iterator[Path]:
    yield target
    for number in count(2):
        yield target.with_name(f"{target.stem}-{number}{target.suffix}")


def _rename_new(source: Path, name: Path) -> None:
    """Rename unless the name is taken. Raises `FileExistsError` then."""
    if sys.platform == "win32":
        os.rename(source, name)
        return
    try:
        os.link(source, name, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as exc:
        if exc.errno not in NO_LINKS:
            raise
        with _reserved(name):  # no hard links here
            os.replace(source, name)


@contextmanager
def _reserved(name: Path) -> Iterator[None]:
    """A name with an empty file of our own, locked, for the block to replace. Raises `FileExistsError` if it is taken.

    A run that died in the middle left such a file too; whoever locks it first may have the name.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    fd = os.open(name, flags if is_empty(name) else flags | os.O_EXCL, 0o666)
    try:
        if not (hold(fd) and is_empty(name) and os.path.samestat(os.fstat(fd), os.lstat(name))):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(name))
        try:
            yield
        except OSError:
            with suppress(OSError):
                name.unlink()
            raise
    finally:
        os.close(fd)
