"""The command line: parses, prints and sets exit codes; what it does is done by the studio."""

from __future__ import annotations
