"""Opening a restricted file on fal's CDN: the platform signs its address for whoever holds the key."""

from __future__ import annotations

import json
from urllib.parse import urlsplit, urlunsplit

from mediatui.errors import ProviderError
from mediatui.providers.fal_hosts import FalHosts, origin
from mediatui.providers.fal_wire import FalWire

SIGNED_SECONDS = 3600
"""How long a signed address opens the file."""


async def sign(wire: FalWire, hosts: FalHosts, url: str) -> str | None:
    """The signed address of the same file; None when the platform does not give one.

    It opens the file for anybody: it is used at once and written down nowhere.
    """
    plain = urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    body = json.dumps({"expiration_seconds": SIGNED_SECONDS}).encode()
    address = f"{hosts.api}/storage/files/sign"
    try:
        answer = await wire.request("POST", address, "signing an address", params={"url": plain}, content=body)
    except ProviderError:
        return None  # the download's own error stands
    signed = answer.document.get("signed_url")
    return signed if isinstance(signed, str) and _same_file(signed, plain) else None


def _same_file(signed: str, plain: str) -> bool:
    return origin(signed) == origin(plain) != "" and urlsplit(signed).path == urlsplit(plain).path
