"""One reader per family of containers; each takes a `Source` and raises `MalformedError` for broken bytes."""

from __future__ import annotations
