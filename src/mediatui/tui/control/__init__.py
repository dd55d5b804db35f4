"""What keys of the library mean, by subject; the screen only routes to these."""

from __future__ import annotations
