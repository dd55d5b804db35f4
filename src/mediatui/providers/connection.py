"""What went wrong on a connection, in words for people; httpx and httpcore name their exceptions alike."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

import httpx

_WORDS = {
    "ConnectTimeout": "nobody answered in time",
    "ReadTimeout": "no answer in time",
    "WriteTimeout": "it took too long to send",
    "PoolTimeout": "too many connections at once",
    "RemoteProtocolError": "it hung up before the whole answer was there",
    "ReadError": "the connection broke",
    "WriteError": "the connection broke",
    "CloseError": "the connection broke",
    "ProxyError": "the proxy refused",
    "DecodingError": "the answer is garbled",
    "TooManyRedirects": "it led in a circle",
    "UnsupportedProtocol": "the address is neither http nor https",
    "InvalidURL": "the address makes no sense",
}


def connection_words(exc: BaseException) -> str:
    """Why there was no answer, in a few words, with the host where none was connected to."""
    name = type(exc).__name__
    if name == "ConnectError":
        return f"{_host(exc)}{refusal_words(exc)}"
    if name == "ConnectTimeout":
        return f"{_host(exc)}{_WORDS[name]}"
    return _WORDS.get(name, name)


def refusal_words(exc: BaseException) -> str:
    """Why there is no connection, in a few words."""
    for cause in _chain(exc):
        if isinstance(cause, socket.gaierror):
            return "no such host"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    return "no connection"


def _host(exc: BaseException) -> str:
    if not isinstance(exc, httpx.RequestError):
        return ""
    try:
        netloc = exc.request.url.netloc.decode("ascii", "replace")
    except RuntimeError:  # it was raised outside of a request
        return ""
    return f"{netloc.rpartition('@')[2]}: "


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = exc
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
