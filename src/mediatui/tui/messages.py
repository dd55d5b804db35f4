"""What other threads tell the interface. Posted, never called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mediatui.studio.studio import Studio


@dataclass
class StudioReady(Message):
    """The studio runs; its library may still be opening."""

    studio: Studio


@dataclass
class StudioFailed(Message):
    """The studio could not start."""

    error: Exception


class StudioSpoke(Message):
    """Events wait at the bridge; one such message stands for any number of them."""
