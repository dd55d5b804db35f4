"""From where media may be downloaded: listed hosts over https, never an address inside somebody's network.

Addresses are read by the client that connects to them, so that no other reading of one can slip through.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import httpx

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts

_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_address(url: str, hosts: MediaHosts) -> None:
    """Refuse an address that the rules do not allow, before and after resolving its name.

    Raises `SaveError` of kind REFUSED_HOST, or NETWORK when the name does not resolve.
    """
    parsed = _parsed(url)
    host, port = _host(parsed), _port(parsed)
    if parsed.userinfo:
        raise _refused(host, "the address carries a user name")
    if f"{host}:{port}" in _loopback_pairs(hosts) and parsed.scheme in _DEFAULT_PORTS:
        return
    if parsed.scheme != "https":
        raise _refused(host, "it is not an https address")
    if not _is_listed(host, parsed.path, hosts):
        raise _refused(host, "this host is not on the provider's list")
    for address in _resolve(host, port):
        check_peer(address, host)


def check_peer(address: str, host: str) -> None:
    """Refuse an address that is not public: private, loopback, link-local, reserved or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise _refused(host, "its address cannot be read") from None
    if any(not each.is_global or each.is_multicast for each in _meant(ip)):
        raise _refused(host, "it leads into a private network")


def is_configured_loopback(url: str, hosts: MediaHosts) -> bool:
    """The address is a loopback ``host:port`` that the configuration names."""
    parsed = _parsed(url)
    return f"{_host(parsed)}:{_port(parsed)}" in _loopback_pairs(hosts)


def same_origin(one: str, other: str) -> bool:
    """Scheme, host and port are equal."""
    a, b = _parsed(one), _parsed(other)
    return (a.scheme, _host(a), _port(a)) == (b.scheme, _host(b), _port(b))


def _meant(ip: _Address) -> Iterator[_Address]:
    """The address, and the IPv4 address inside it that a gateway would go to."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            yield ip.ipv4_mapped
            return
        if ip in _NAT64:
            yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if ip.sixtofour is not None:
            yield ip.sixtofour
        if ip.teredo is not None:
            yield ip.teredo[1]
    yield ip


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise _refused("", "the address cannot be read") from None
    if not parsed.host:
        raise _refused("", "the address names no host")
    return parsed


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii", "replace").lower().rstrip(".")


def _port(url: httpx.URL) -> int:
    return url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _loopback_pairs(hosts: MediaHosts) -> frozenset[str]:
    pairs = set()
    for pair in hosts.loopback:
        url = httpx.URL(f"http://{pair}")
        pairs |= {f"{_host(url)}:{port}" for port in ([url.port] if url.port else [80, 443])}
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
    except (OSError, UnicodeError) as exc:
        raise SaveError(SaveErrorKind.NETWORK, f"{host} was not found ({type(exc).__name__})") from None
    return [str(entry[4][0]) for entry in found]


def _refused(host: str, why: str) -> SaveError:
    return SaveError(
        SaveErrorKind.REFUSED_HOST,
        f"not downloaded from {host or 'this address'}: {why}",
        hint="If you trust it, add the host to save.allow_hosts in the configuration, then retry.",
    )
