"""Tests of the terminal interface."""

from __future__ import annotations
