"""What the interface remembers between runs: the open project, the order of the list, an unsent prompt."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass
class Draft:
    """A generation that was not sent yet. `values` are texts as typed, by field name."""

    prompt: str = ""
    models: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    project: str = ""
    policy: str = ""


@dataclass
class Memory:
    """Kept in one small private file; losing it loses no work."""

    project: str = ""
    sort_by: str = "newest"
    reverse: bool = False
    draft: Draft = field(default_factory=Draft)


def memory_file(state: Path) -> Path:
    """Where it is kept."""
    return state / "interface.json"


def load_memory(state: Path) -> Memory:
    """What was remembered; a fresh memory when there is none or it cannot be read."""
    try:
        found = json.loads(memory_file(state).read_text("utf-8"))
    except (OSError, ValueError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    draft = found.pop("draft", None)
    memory = Memory(**_known(Memory, found))
    memory.draft = Draft(**_known(Draft, draft if isinstance(draft, dict) else {}))
    return memory


def _known(kind: type[Memory] | type[Draft], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values this version knows, where they have the type it expects."""
    defaults = kind()
    return {
        f.name: values[f.name]
        for f in fields(kind)
        if f.name in values and type(values[f.name]) is type(getattr(defaults, f.name))
    }


def save_memory(state: Path, memory: Memory) -> None:
    """Write it down, readable for its owner alone. A disk that refuses is no reason to disturb anybody."""
    path = memory_file(state)
    part = path.with_suffix(".part")
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(memory), file, ensure_ascii=False)
        os.replace(part, path)
    except OSError:
        return
