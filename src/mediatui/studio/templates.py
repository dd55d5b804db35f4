"""Prompt templates: small TOML files beside the settings, with ``{{placeholders}}`` to fill in.

name = "Portrait"
text = "a portrait of {{subject}}, {{light:soft window light}}"
model = "fal-ai/flux/dev"        # optional
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediatui.errors import UsageError, storage_error
from mediatui.library.files import write_atomic
from mediatui.text import clean_text, one_line, slug

FOLDER = "templates"
"""Beside the configuration file."""
MAX_NAME = 80
MAX_BYTES = 1 << 20
_PLACEHOLDER = re.compile(r"\{\{\s*([^\W\d][\w -]*?)\s*(?::([^{}]*))?\}\}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A gap in a template; `default` fills it when nothing else does."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with gaps; `model` is the one it was written for, if any."""

    name: str
    text: str
    model: str = ""

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The gaps in their order, each once; the first default given counts."""
        return placeholders(self.text)

    def fill(self, values: Mapping[str, str]) -> str:
        """The prompt. Raises `UsageError` naming the gaps that stay open."""
        return fill(self.text, values)


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """The gaps in a text, in their order, each once."""
    found: dict[str, str | None] = {}
    for match in _PLACEHOLDER.finditer(text):
        if found.get(match[1]) is None:
            found[match[1]] = None if match[2] is None else match[2].strip()
    return tuple(Placeholder(name, default) for name, default in found.items())


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled; a filled-in value is taken as it is. Raises `UsageError` for open ones."""
    gaps = placeholders(text)
    filled = {gap.name: values[gap.name] if values.get(gap.name) else gap.default for gap in gaps}
    open_gaps = [name for name, value in filled.items() if value is None]
    if open_gaps:
        raise UsageError(f"still to be filled in: {', '.join(open_gaps)}")
    return _PLACEHOLDER.sub(lambda match: filled[match[1]] or "", text)


class Templates:
    """The templates of one folder. Blocking; methods raise `StorageError` when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> tuple[Template, ...]:
        """Every template that can be read, by name."""
        found = [template for _, template in self._files() if template is not None]
        return tuple(sorted(found, key=lambda template: template.name.casefold()))

    def broken(self) -> tuple[Path, ...]:
        """Files that are no templates."""
        return tuple(path for path, template in self._files() if template is None)

    def get(self, name: str) -> Template:
        """The template of that name; letter case does not count. Raises `UsageError`."""
        return self._find(name)[1]

    def save(self, name: str, text: str, model: str = "", *, replace: bool = False) -> Template:
        """Keep a template. Raises `UsageError` for an empty one, or a taken name without `replace`."""
        template = Template(one_line(name, MAX_NAME), clean_text(text).strip(), one_line(model, 200))
        if not template.name or not template.text:
            raise UsageError("a template needs a name and a text")
        try:
            path, held = self._find(name)
        except UsageError:
            path = self._free_path(template.name)
        else:
            if not replace:
                raise UsageError(f"there is a template “{held.name}” already", hint="Choose another, or --replace it.")
        write_atomic(path, _encode(template))
        return template

    def delete(self, name: str) -> Template:
        """Remove a template; returns it, so that it can be saved again. Raises `UsageError`."""
        path, template = self._find(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise storage_error(exc, f"remove the template {template.name}") from exc
        return template

    def _files(self) -> list[tuple[Path, Template | None]]:
        try:
            paths = sorted(self.folder.glob("*.toml"))
        except OSError as exc:
            raise storage_error(exc, f"list the templates in {self.folder}") from exc
        return [(path, _read(path)) for path in paths]

    def _find(self, name: str) -> tuple[Path, Template]:
        wanted = one_line(name, MAX_NAME).casefold()
        for path, template in self._files():
            if template is not None and wanted in (template.name.casefold(), path.stem):
                return path, template
        raise UsageError(f"there is no template “{one_line(name, MAX_NAME)}”", hint="`mediatui templates` lists them.")

    def _free_path(self, name: str) -> Path:
        stem, number = slug(name, fallback="template"), 1
        path = self.folder / f"{stem}.toml"
        while path.exists():
            number += 1
            path = self.folder / f"{stem}-{number}.toml"
        return path


def _encode(template: Template) -> bytes:
    """TOML; its basic strings take what JSON's strings are."""
    values = {"name": template.name, "text": template.text, "model": template.model}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items() if value]
    return "".join(lines).encode()


def _read(path: Path) -> Template | None:
    try:
        with path.open("rb") as file:
            document = tomllib.loads(file.read(MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    text, name, model = (document.get(key) for key in ("text", "name", "model"))
    if not isinstance(text, str) or not text.strip():
        return None
    shown = one_line(name, MAX_NAME) if isinstance(name, str) else ""
    return Template(
        shown or path.stem, clean_text(text).strip(), one_line(model, 200) if isinstance(model, str) else ""
    )
