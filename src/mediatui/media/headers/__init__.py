"""One reader per family of containers; each takes a `Source` and raises `Malformed` for broken bytes."""

from __future__ import annotations
