"""The terminal interface: draws what the studio says and asks it for what keys mean."""

from __future__ import annotations
