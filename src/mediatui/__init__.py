"""mediatui: make video, images and audio with paid AI models, and never lose one."""

from __future__ import annotations

import sys

# httpx as it is without its extra `cli`: where click and rich are installed for other reasons, it would load them
# for a command line of its own, and every start would take 25 ms longer.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
