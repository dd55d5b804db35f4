"""Teach the studio to speak to a service. Thin adapters over httpx; no vendor SDK."""

from __future__ import annotations

import sys

# httpx as it is without its extra `cli`: where click and rich are installed for other reasons, it would load them
# for a command line of its own, and every start would take 25 ms longer.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
