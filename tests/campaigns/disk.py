"""A disk that may lose power: every change in order, what was synced, and what may be left of the rest.

After "All File Systems Are Not Created Equal" (Pillai and others, OSDI 2014). A change to a folder (a name made,
removed or moved) counts as durable once one of its folders was synced, bytes once their file was. Of everything
else any part may be on the disk after a crash: a beginning of the writes, cut anywhere, zeros in place of any
sector; and of the names any subset.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

ROOT = 0
SECTOR = 512
CUTS = 12
MOST_SUBSETS = 4
"""Up to this many changes of names that were not synced, every subset is a state; above, fewer."""


@dataclass(frozen=True, slots=True)
class Name:
    """A change to folders: `made` and `gone` are names in folders; one rename is both at once."""

    node: int
    made: tuple[int, str] | None
    gone: tuple[int, str] | None

    @property
    def folders(self) -> tuple[int, ...]:
        """Syncing one of them makes the change durable."""
        return tuple(place[0] for place in (self.made, self.gone) if place)


@dataclass(frozen=True, slots=True)
class Bytes:
    """A write to a file; with no data, the file's new size."""

    node: int
    offset: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Sync:
    """A file or folder was synced."""

    node: int


Change = Name | Bytes | Sync


@dataclass(frozen=True, slots=True)
class Loss:
    """Power went after the first `count` changes, without those in `lost`, and with `data` left of the one `torn`."""

    count: int
    lost: frozenset[int]
    torn: int = -1
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What may be found after a crash: folders by path, files by path; files of one node share `nodes`."""

    folders: tuple[str, ...]
    files: tuple[tuple[str, int, bytes], ...]

    @property
    def key(self) -> bytes:
        """Equal states have equal keys."""
        digest, numbers = hashlib.sha256(), dict[int, int]()
        for folder in self.folders:
            digest.update(b"d" + folder.encode() + b"\0")
        for path, node, data in self.files:
            shared = numbers.setdefault(node, len(numbers))
            digest.update(b"f%d " % shared + path.encode() + b"\0%d\0" % len(data) + data)
        return digest.digest()

    def build(self, root: Path) -> None:
        """Make it a real folder."""
        made: dict[int, Path] = {}
        for folder in self.folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
        for path, node, data in self.files:
            if node in made:
                os.link(made[node], root / path)
            else:
                (root / path).write_bytes(data)
                made[node] = root / path


@dataclass
class Disk:
    """Records changes as they happen; `changes` is the whole story."""

    root: str
    changes: list[Change] = field(default_factory=list)
    folder_nodes: set[int] = field(default_factory=lambda: {ROOT})

    def __post_init__(self) -> None:
        self._entries: dict[int, dict[str, int]] = {ROOT: {}}
        self._sizes: dict[int, int] = {}
        self._open: dict[int, tuple[int, int, bool]] = {}
        self._next = 1

    # -- what the kernel did

    def opened(self, fd: int, path: str, flags: int) -> None:
        """A file or folder was opened, and made when it was not there."""
        node = self._find(path)
        if node is None:
            node = self._new()
            self._sizes[node] = 0
            self._name(node, self._place(path), None)
        elif flags & os.O_TRUNC and self._sizes.get(node):
            self._sizes[node] = 0
            self.changes.append(Bytes(node, 0, None))
        self._open[fd] = (node, 0, bool(flags & os.O_APPEND))

    def wrote(self, fd: int, data: bytes) -> None:
        """Bytes were written where the file stands."""
        node, position, appends = self._open[fd]
        offset = self._sizes[node] if appends else position
        self._open[fd] = (node, offset + len(data), appends)
        self._sizes[node] = max(self._sizes[node], offset + len(data))
        self.changes.append(Bytes(node, offset, data))

    def moved(self, fd: int, position: int) -> None:
        """The next write goes there."""
        node, _, appends = self._open[fd]
        self._open[fd] = (node, position, appends)

    def cut(self, fd: int, size: int) -> None:
        """The file has another size."""
        node = self._open[fd][0]
        self._sizes[node] = size
        self.changes.append(Bytes(node, size, None))

    def synced(self, fd: int) -> None:
        """A file or folder is durable as it is now."""
        self.changes.append(Sync(self._open[fd][0]))

    def changed(self, name: str, path: str) -> None:
        """A folder was made, or a name removed."""
        if name == "mkdir":
            node = self._new()
            self.folder_nodes.add(node)
            self._entries[node] = {}
            self._name(node, self._place(path), None)
        elif name in ("unlink", "remove", "rmdir"):
            place = self._place(path)
            self._name(self._entries[place[0]][place[1]], None, place)

    def linked(self, source: str, target: str) -> None:
        """A file has one more name."""
        self._name(self._known(source), self._place(target), None)

    def renamed(self, source: str, target: str) -> None:
        """A file or folder has another name, perhaps in place of another file."""
        if (node := self._known(source)) != self._find(target):  # two names of one file: nothing happens
            self._name(node, self._place(target), self._place(source))

    def _new(self) -> int:
        self._next += 1
        return self._next - 1

    def _name(self, node: int, made: tuple[int, str] | None, gone: tuple[int, str] | None) -> None:
        if gone:
            del self._entries[gone[0]][gone[1]]
        if made:
            self._entries[made[0]][made[1]] = node
        self.changes.append(Name(node, made, gone))

    def _find(self, path: str) -> int | None:
        node: int | None = ROOT
        for part in path[len(self.root) + 1 :].split("/") if path != self.root else ():
            node = self._entries.get(node, {}).get(part) if node is not None else None
        return node

    def _known(self, path: str) -> int:
        node = self._find(path)
        assert node is not None, f"{path} was made behind the recorder's back"
        return node

    def _place(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._known(folder), name

    # -- what may be left

    def losses(self, start: int, end: int) -> Iterator[Loss]:
        """Every way to lose power after the first `start` to `end` changes; several may leave the same state."""
        for count in range(start, end + 1):
            names, data = _unsynced(self.changes[:count])
            for kept in _subsets(names):
                lost = frozenset(names) - frozenset(kept)
                yield Loss(count, lost)
                if data:
                    yield Loss(count, lost.union(*data.values()))
            for writes in data.values():
                for lost in _few_subsets(names):
                    yield from self._partial_writes(count, lost, writes)

    def _partial_writes(self, count: int, names: frozenset[int], writes: list[int]) -> Iterator[Loss]:
        """One file has only a beginning of its writes; with the last of them torn."""
        for position, index in enumerate(writes):
            lost = names.union(writes[position + 1 :])
            yield Loss(count, lost)
            change = self.changes[index]
            assert isinstance(change, Bytes)
            for data in _torn(change.data):
                yield Loss(count, lost, index, data)

    def after(self, loss: Loss) -> State:
        """What is found then."""
        entries: dict[int, dict[str, int]] = {node: {} for node in self.folder_nodes}
        contents: dict[int, bytearray] = {}
        for index, change in enumerate(self.changes[: loss.count]):
            if index in loss.lost:
                continue
            if isinstance(change, Name):
                _apply_name(entries, change)
            elif isinstance(change, Bytes):
                _apply_bytes(
                    contents.setdefault(change.node, bytearray()), change, loss.data if index == loss.torn else None
                )
        folders: list[str] = []
        files: list[tuple[str, int, bytes]] = []
        self._walk(ROOT, "", entries, contents, folders, files)
        return State(tuple(folders), tuple(files))

    def _walk(
        self,
        node: int,
        path: str,
        entries: dict[int, dict[str, int]],
        contents: dict[int, bytearray],
        folders: list[str],
        files: list[tuple[str, int, bytes]],
    ) -> None:
        for name, child in sorted(entries[node].items()):
            where = f"{path}{name}"
            if child in self.folder_nodes:
                folders.append(where)
                self._walk(child, where + "/", entries, contents, folders, files)
            else:
                files.append((where, child, bytes(contents.get(child, b""))))


class Unrecorded(Disk):
    """For a folder that was not empty: remembers nothing."""

    def opened(self, fd: int, path: str, flags: int) -> None:
        """Forgotten, as all the others."""

    def wrote(self, fd: int, data: bytes) -> None: ...
    def moved(self, fd: int, position: int) -> None: ...
    def cut(self, fd: int, size: int) -> None: ...
    def synced(self, fd: int) -> None: ...
    def changed(self, name: str, path: str) -> None: ...
    def linked(self, source: str, target: str) -> None: ...
    def renamed(self, source: str, target: str) -> None: ...


def _unsynced(done: list[Change]) -> tuple[list[int], dict[int, list[int]]]:
    """The changes that no sync covers: names, and writes by file; as positions."""
    synced: set[int] = set()
    names: list[int] = []
    data: dict[int, list[int]] = {}
    for index in range(len(done) - 1, -1, -1):
        change = done[index]
        if isinstance(change, Sync):
            synced.add(change.node)
        elif isinstance(change, Name):
            if synced.isdisjoint(change.folders):
                names.append(index)
        elif change.node not in synced:
            data.setdefault(change.node, []).append(index)
    return names[::-1], {node: writes[::-1] for node, writes in data.items()}


def _subsets(names: list[int]) -> Iterator[tuple[int, ...]]:
    """Beginnings, and what else may be left when folders are written in any order."""
    for count in range(len(names) + 1):
        yield tuple(names[:count])
    if len(names) <= MOST_SUBSETS:
        for count in range(len(names)):
            yield from combinations(names, count)
        return
    for index in range(len(names)):
        yield (names[index],)
        yield tuple(names[:index] + names[index + 1 :])


def _few_subsets(names: list[int]) -> Iterator[frozenset[int]]:
    """Which changes of names may be lost beside torn bytes: none, all, or one of them."""
    yield frozenset()
    if names:
        yield frozenset(names)
        yield from (frozenset({index}) for index in names)


def _torn(data: bytes | None) -> Iterator[bytes]:
    """What may be left of one write besides all and nothing of it: a beginning, or sectors missing in it."""
    if not data:
        return
    size = len(data)
    even = {size * part // CUTS for part in range(1, CUTS)}
    for cut in sorted({1, size - 2, size - 1, *even, *range(SECTOR, size, SECTOR)}):
        if 0 < cut < size:
            yield data[:cut]
    yield bytes(size)
    for start in range(0, size if size > SECTOR else 0, SECTOR):
        end = min(start + SECTOR, size)
        yield data[:start] + bytes(end - start) + data[end:]
        yield bytes(start) + data[start:end] + bytes(size - end)


def _apply_name(entries: dict[int, dict[str, int]], change: Name) -> None:
    if change.gone and entries[change.gone[0]].get(change.gone[1]) == change.node:
        del entries[change.gone[0]][change.gone[1]]
    if change.made:
        entries[change.made[0]][change.made[1]] = change.node


def _apply_bytes(content: bytearray, change: Bytes, torn: bytes | None) -> None:
    data = change.data if torn is None else torn
    if data is None:
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(data)] = data
