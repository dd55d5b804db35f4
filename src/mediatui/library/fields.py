"""Reading single fields of a stored document, whatever a hand edit or another program made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mediatui.library.record import Doc
from mediatui.text import clean_text, is_time

E = TypeVar("E")
_SUSPECT = ("", ".", "/")
_UNSAFE = frozenset("\\\0:")


class Fields:
    """A document's fields, read with a safe value for each that makes no sense; `note` hears which did not."""

    def __init__(self, doc: Mapping[str, Any], note: Callable[[str], None]) -> None:
        self.doc = doc
        self._get = doc.get
        self._note = note

    def wrong(self, name: str, expected: str) -> None:
        """Report a field that could not be used."""
        self._note(f"“{name}” is not {expected}")

    def text(self, name: str, default: str = "") -> str:
        """A text without control characters."""
        value = self._get(name)
        if type(value) is str:
            return value if value.isprintable() else clean_text(value)
        if value is not None:
            self.wrong(name, "text")
        return default

    def optional_text(self, name: str) -> str | None:
        """A text, or None."""
        value = self._get(name)
        if value is None or (type(value) is str and value and value.isprintable()):
            return value
        return self.text(name) or None

    def path(self, name: str) -> str | None:
        """A path that stays below the project folder, or None."""
        value = self.optional_text(name)
        if value is None or is_inside(value):
            return value
        self.wrong(name, "a path inside the project")
        return None

    def number(self, name: str) -> float | None:
        """A finite number, or None."""
        value = self._get(name)
        if value is None:
            return None
        if (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 1 << 63):
            return value
        self.wrong(name, "a number")
        return None

    def whole(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self._get(name)
        if value is None or (type(value) is int and abs(value) < 1 << 63):
            return value
        if type(value) is float and value.is_integer() and abs(value) < 1 << 53:
            return int(value)
        self.wrong(name, "a whole number")
        return None

    def optional_time(self, name: str) -> float | None:
        """A time, or None."""
        value = self.number(name)
        if value is None or is_time(value):
            return value
        self.wrong(name, "a time")
        return None

    def time(self, name: str) -> float:
        """A time; 0 when there is none."""
        return self.optional_time(name) or 0.0

    def flag(self, name: str) -> bool:
        """Yes or no."""
        value = self._get(name)
        if value is not None and type(value) is not bool:
            self.wrong(name, "true or false")
        return value is True

    def mapping(self, name: str) -> Doc:
        """An object; empty when there is none."""
        value = self._get(name)
        if type(value) is dict:
            return value
        if value is not None:
            self.wrong(name, "an object")
        return {}

    def texts(self, name: str) -> dict[str, str]:
        """An object whose values are texts."""
        value = self.mapping(name)
        texts = {key: part for key, part in value.items() if type(part) is str}
        if len(texts) < len(value):
            self.wrong(name, "an object of texts")
        return texts

    def choice(self, name: str, kinds: Mapping[str, E], default: E) -> E:
        """One of a few words."""
        found = kinds.get(value) if type(value := self._get(name)) is str else None
        if found is None:
            self.wrong(name, "one of " + ", ".join(kinds))
            return default
        return found

    def optional_choice(self, name: str, kinds: Mapping[str, E]) -> E | None:
        """One of a few words, or None."""
        value = self._get(name)
        found = kinds.get(value) if type(value) is str else None
        if found is None and value is not None:
            self.wrong(name, "one of " + ", ".join(kinds))
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when there is none."""
        value = self._get(name)
        if value is None or value == []:
            return ()
        if type(value) is not list:
            self.wrong(name, "a list of texts")
            return ()
        found = tuple(word for part in value if type(part) is str and (word := clean_text(part)))
        if len(found) < len(value):
            self.wrong(name, "a list of texts")
        return found

    def between(self, name: str, lowest: int, highest: int) -> int | None:
        """A whole number in a range, or None."""
        value = self.whole(name)
        if value is None or lowest <= value <= highest:
            return value
        self.wrong(name, f"a whole number from {lowest} to {highest}")
        return None

    def rest(self, known: frozenset[str]) -> Doc:
        """The fields nobody here knows, to be carried through."""
        unknown = self.doc.keys() - known
        return {name: value for name, value in self.doc.items() if name in unknown} if unknown else {}


def is_inside(path: str) -> bool:
    """Whether a stored path is relative, with forward slashes, and cannot lead out of its folder."""
    if "/." not in path and "//" not in path and path[:1] not in _SUSPECT and not _UNSAFE & set(path):
        return path[-1:] != "/"
    parts = path.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not _UNSAFE & set(path)


def is_recordable(path: str) -> bool:
    """Whether a record brings this path of a file back as it is: it stays inside, and holds nothing that is cleaned."""
    return is_inside(path) and (path.isprintable() or clean_text(path) == path)


def json_clean(value: Any) -> Any:
    """The value in JSON's own types: tuples become lists, other mappings objects, numbers JSON lacks null."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_clean(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_clean(part) for part in value]
    return int(value) if isinstance(value, int) else str(value)
