"""The screens: each composes widgets, routes keys and asks the studio."""

from __future__ import annotations
