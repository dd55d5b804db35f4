"""Work in progress: jobs, downloads and saves on the engine's own thread and loop."""

from __future__ import annotations

import mediatui.providers  # noqa: F401  # first: it says how httpx is loaded
