"""What plain HTTP services have in common: public outputs, results that are none, inputs uploaded before a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.discovery import decode_data_address
from mediatui.providers.http import JsonClient


class PublicOutputs:
    """A provider whose outputs anybody may download who knows their address."""

    _wire: JsonClient

    def media_url(self, url: str) -> str:
        """The address itself."""
        return url

    def download_headers(self, url: str) -> Mapping[str, str]:
        """None: outputs are public, and the key must not go to a media host."""
        return {}

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


def not_done(title: str) -> ProviderError:
    """A result was asked for, and the service says, perhaps once more, that the request is not done."""
    return ProviderError(ErrorKind.TRANSIENT, f"{title} says that the request is not done yet")


def cancelled(title: str) -> ProviderError:
    """The request was cancelled at the service, and nothing was made."""
    return ProviderError(ErrorKind.CANCELLED, f"the request was cancelled at {title}")


async def with_uploads(
    value: Any, wanted: Callable[[str], bool], upload: Callable[[str, str, bytes], Awaitable[str]]
) -> Any:
    """The inputs with each data address that is `wanted` so replaced by the address of an uploaded file."""
    if isinstance(value, Mapping):
        return {name: await with_uploads(child, wanted, upload) for name, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [await with_uploads(child, wanted, upload) for child in value]
    if isinstance(value, str) and value[:5].lower() == "data:" and wanted(value):
        decoded = decode_data_address(value)
        if decoded is not None:
            return await upload("input", decoded[0] or "application/octet-stream", decoded[1])
    return value
