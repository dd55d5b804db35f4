"""Projects as one file to keep or hand on, with a manifest that says what every byte is."""

from __future__ import annotations
