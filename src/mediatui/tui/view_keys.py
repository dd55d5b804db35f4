"""Which keys of the full-screen view do nothing with what is shown: the key bar leaves them out."""

from __future__ import annotations

from mediatui.model import MediaItem, MediaType, SaveState

PICTURES_OFF = frozenset({"zoom", "faster", "play"})


def senseless(item: MediaItem | None, *, moving: bool, draws: bool) -> frozenset[str]:
    """Actions without effect; `item` None: it is gone. `moving`: a picture that moves; `draws`: pictures are drawn."""
    if item is None:
        return frozenset({"play", "forward", "faster", "zoom", "copy", "open-outside"})
    if item.type is MediaType.AUDIO:  # it plays in another program
        return frozenset({"zoom", "faster"})
    none = frozenset({"zoom"})
    if item.type is MediaType.IMAGE:
        still = item.save_state is SaveState.SAVED and not moving
        none = frozenset({"forward", "faster", "play"} if still else {"forward", "faster"})
    return none if draws else none | PICTURES_OFF
