"""Work in progress: jobs, downloads and saves on the engine's own thread and loop."""

from __future__ import annotations
