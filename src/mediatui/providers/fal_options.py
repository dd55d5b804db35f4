"""What a person may set about requests to fal: which models are asked directly, and the headers sent along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediatui.errors import UsageError
from mediatui.settings import ProviderSettings

SHORTEST_LIFE = 3600
"""Seconds; outputs that vanish sooner might do so before they are saved."""

_SWITCHES = {"no_retry": ("X-Fal-No-Retry", "1"), "no_fallback": ("x-app-fal-disable-fallback", "true")}


@dataclass(frozen=True, slots=True)
class FalOptions:
    """How requests are sent."""

    direct: frozenset[str] = frozenset()
    """Models that answer on the connection that asks."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request for media."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> FalOptions:
        """Those of ``[providers.fal]``. Raises `UsageError` for values that make no sense."""
        where, given = f"providers.{settings.name}", settings.options
        direct = given.get("direct", [])
        if not isinstance(direct, (list, tuple)) or not all(isinstance(model, str) for model in direct):
            raise UsageError(f"{where}.direct must be a list of model ids")
        headers = {}
        for name, (header, value) in _SWITCHES.items():
            if not isinstance(given.get(name, False), bool):
                raise UsageError(f"{where}.{name} must be true or false")
            if given.get(name):
                headers[header] = value
        if (life := given.get("object_lifecycle")) is not None:
            headers["X-Fal-Object-Lifecycle-Preference"] = _lifecycle(f"{where}.object_lifecycle", life)
        return cls(frozenset(model.strip("/ ") for model in direct), headers)


def _lifecycle(where: str, given: Any) -> str:
    """The header's value: a number of seconds, or fal's own table."""
    table = {"expiration_duration_seconds": given} if isinstance(given, int) else given
    if not isinstance(table, Mapping) or not table.keys() <= {"expiration_duration_seconds", "initial_acl"}:
        raise UsageError(f"{where} must be a number of seconds, or a table as fal takes it")
    seconds = table.get("expiration_duration_seconds", SHORTEST_LIFE)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < SHORTEST_LIFE:
        raise UsageError(
            f"{where}: outputs must live {SHORTEST_LIFE} seconds at least",
            hint="They would vanish before they could be saved.",
        )
    return json.dumps(table, separators=(",", ":"))
