"""The widgets: they draw and report, and know nothing of the studio."""

from __future__ import annotations
