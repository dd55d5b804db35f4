"""From where media may be downloaded: listed hosts over https, never an address inside somebody's network."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts

_DEFAULT_PORTS = {"https": 443, "http": 80}


def check_address(url: str, hosts: MediaHosts) -> None:
    """Refuse an address that the rules do not allow, before and after resolving its name.

    Raises `SaveError` of kind REFUSED_HOST, or NETWORK when the name does not resolve.
    """
    parts, port = _split(url)
    host = (parts.hostname or "").lower().rstrip(".")
    if f"{host}:{port}" in _loopback_pairs(hosts):
        return
    if parts.scheme != "https":
        raise _refused(host, "it is not an https address")
    if parts.username or parts.password:
        raise _refused(host, "the address carries a user name")
    if not _is_listed(host, parts.path, hosts):
        raise _refused(host, "this host is not on the provider's list")
    for address in _resolve(host, port):
        check_peer(address, host)


def check_peer(address: str, host: str) -> None:
    """Refuse an address that is not public: private, loopback, link-local, reserved or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise _refused(host, "its address cannot be read") from None
    mapped = getattr(ip, "ipv4_mapped", None)
    if not (mapped or ip).is_global or ip.is_multicast:
        raise _refused(host, "it leads into a private network")


def is_configured_loopback(url: str, hosts: MediaHosts) -> bool:
    """The address is a loopback ``host:port`` that the configuration names."""
    parts, port = _split(url)
    return f"{(parts.hostname or '').lower()}:{port}" in _loopback_pairs(hosts)


def same_origin(one: str, other: str) -> bool:
    """Scheme, host and port are equal."""
    a, a_port = _split(one)
    b, b_port = _split(other)
    return (a.scheme, (a.hostname or "").lower(), a_port) == (b.scheme, (b.hostname or "").lower(), b_port)


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        return parts, parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refused("", "the address cannot be read") from None


def _loopback_pairs(hosts: MediaHosts) -> frozenset[str]:
    pairs = set()
    for pair in hosts.loopback:
        parts = urlsplit(f"//{pair}")
        ports = [parts.port] if parts.port else [80, 443]
        pairs |= {f"{(parts.hostname or '').lower()}:{port}" for port in ports}
    return frozenset(pairs)


def _is_listed(host: str, path: str, hosts: MediaHosts) -> bool:
    if hosts.any_public_https:
        return True
    for listed in hosts.names:
        name, slash, prefix = listed.partition("/")
        if slash and not path.startswith(f"/{prefix.rstrip('/')}/"):
            continue
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return True
    return False


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise SaveError(SaveErrorKind.NETWORK, f"{host} was not found ({exc.strerror or exc})") from None
    return [str(entry[4][0]) for entry in found]


def _refused(host: str, why: str) -> SaveError:
    return SaveError(
        SaveErrorKind.REFUSED_HOST,
        f"not downloaded from {host or 'this address'}: {why}",
        hint="If you trust it, add the host to media_hosts of its provider in the configuration, then retry.",
    )
