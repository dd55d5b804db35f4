"""What we have: projects, items, files and their index on disk."""

from __future__ import annotations
