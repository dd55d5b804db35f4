"""mediatui: make video, images and audio with paid AI models, and never lose one."""

from __future__ import annotations

__version__ = "0.1.0"
