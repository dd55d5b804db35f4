"""What there is to open of an item, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Origin(StrEnum):
    """Where what is shown comes from."""

    FILE = "local file"
    SESSION = "session copy"
    REMOTE = "remote address"


@dataclass(frozen=True, slots=True)
class Playable:
    """What can be opened or played of an item: a path, or only an address."""

    origin: Origin
    path: Path | None = None
    url: str | None = None

    @property
    def target(self) -> str:
        """The path or the address, for a program's argument list."""
        return str(self.path) if self.path is not None else self.url or ""
