"""Which keys an action has: the registry's, or the ones a person chose instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mediatui.tui.action import Action
from mediatui.tui.actions import action, key_name


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force."""

    own: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys that differ from the registry's, by binding identifier."""
    problems: tuple[str, ...] = ()
    """What could not be used, each a sentence that says what was kept."""
    ascii: bool = False
    """Keys are written without arrows."""

    def keys(self, action: Action) -> tuple[str, ...]:
        """An action's keys."""
        return self.own.get(action.binding_id, action.keys)

    def name(self, action: Action) -> str:
        """Its first key, as people write it."""
        return key_name(self.keys(action)[0], ascii=self.ascii)

    def of(self, scope: str, id: str) -> str:
        """The first key of an action named by its scope and identifier, as people write it."""
        return self.name(action(scope, id))

    def names(self, action: Action) -> str:
        """All its keys, as people write them."""
        return " ".join(key_name(key, ascii=self.ascii) for key in self.keys(action))

    def for_textual(self) -> dict[str, str]:
        """As `App.set_keymap` takes it."""
        return {binding: ",".join(keys) for binding, keys in self.own.items()}
