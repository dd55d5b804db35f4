"""Teach the studio to speak to a service. Thin adapters over httpx; no vendor SDK."""

from __future__ import annotations
