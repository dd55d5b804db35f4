"""A copy of an item that is only at an address, for looking at it or for an archive: fetched as a save fetches it."""

from __future__ import annotations

from collections.abc import Callable

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.media.magic import sniff
from mediatui.model import MediaItem
from mediatui.studio.download import Downloader, GoneError, Limits
from mediatui.studio.part import PartFile
from mediatui.studio.save import Source


def fetch_copy(
    downloader: Downloader,
    item: MediaItem,
    part: PartFile,
    source: Source,
    max_bytes: int,
    stopped: Callable[[], bool] = lambda: False,
) -> str:
    """Download an item into `part` by the rules of its provider; returns the extension that its bytes ask for.

    A restricted file is opened with a signed address; an address that is gone is asked for once more. Neither is
    recorded. Raises `SaveError`, `Stopped`.
    """

    def fetch(stored: str) -> None:
        url = source.present_url(stored)
        limits, headers = Limits(source.hosts, max_bytes), source.headers(url)
        downloader.fetch(url, part, limits, headers, lambda *_: None, stopped, source.sign)

    if item.url is None:
        raise SaveError(SaveErrorKind.EXPIRED, "there is no address to download this from")
    try:
        fetch(item.url)
    except GoneError:
        fetch(source.refresh(item).url or "")
    found = sniff(part.head())
    if found is None:
        part.discard()
        raise SaveError(SaveErrorKind.BAD_CONTENT, "what arrived is not a picture, a video or a sound")
    return found[1]
