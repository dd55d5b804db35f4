"""The terminal itself: what it can do, its clipboard, programs started from it."""

from __future__ import annotations
