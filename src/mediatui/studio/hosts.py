"""From where media may be downloaded: listed hosts over https, never an address inside somebody's network.

Addresses are read by the client that connects to them, so that no other reading of one can slip through. A name is
looked up once for each connection, which then goes to an address that was checked: it cannot change in between.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import httpx

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts
from mediatui.settings import is_loopback

_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INNER = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")))
"""Private by other standards than those that `is_global` knows: RFC 4291 §2.5.5.1, 7915, 8215, 3879."""
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


_INWARD = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".onion")
"""Endings of names that lead nowhere public."""


class UnknownHost(SaveError):
    """A public https host that is on no list; a person may allow it. `host` is its name."""

    def __init__(self, host: str) -> None:
        refused = _refused(host, "this host is not on the provider's list")
        super().__init__(refused.kind, refused.message, hint=refused.hint)
        self.host = host


class AllowedHosts:
    """What the settings and people allow besides the providers' own hosts; safe from any thread.

    Addresses inside somebody's network stay refused whatever is allowed here, but for ``host:port`` pairs of this
    machine from the settings.
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._always = tuple(listed)
        self._once: dict[str, frozenset[str]] = {}

    def allow(self, host: str) -> None:
        """Allow a host for everything, until the end of this run."""
        with self._lock:
            self._always = tuple(dict.fromkeys((*self._always, host)))

    def allow_once(self, host: str, item_ids: Iterable[str]) -> None:
        """Allow a host for these items only."""
        with self._lock:
            self._once |= {item_id: self._once.get(item_id, frozenset()) | {host} for item_id in item_ids}

    def is_allowed(self, host: str, item_id: str) -> bool:
        """Somebody allowed this host, for this item at least."""
        return host in self._once.get(item_id, ()) or _is_listed(host, "/", self.beside(MediaHosts(), item_id))

    def beside(self, hosts: MediaHosts, item_id: str = "") -> MediaHosts:
        """A provider's hosts and what is allowed besides, for one item."""
        more = (*self._always, *sorted(self._once.get(item_id, ())))
        pairs = tuple(host for host in more if _is_own_machine(host))
        names = tuple(host for host in more if host not in pairs)
        return replace(hosts, names=(*hosts.names, *names), loopback=(*hosts.loopback, *pairs))


def _is_own_machine(host: str) -> bool:
    try:
        return is_loopback(httpx.URL(f"http://{host.partition('/')[0]}").host)
    except (httpx.InvalidURL, ValueError):
        return False


def check_address(url: str, hosts: MediaHosts) -> None:
    """Refuse an address that the rules do not allow; its name is not looked up yet (see `peers_of`).

    Raises `SaveError` of kind REFUSED_HOST.
    """
    parsed = parsed_address(url)
    host, port = _host(parsed), port_of(parsed)
    if parsed.userinfo:
        raise _refused(host, "the address carries a user name")
    if f"{host}:{port}" in _loopback_pairs(hosts) and parsed.scheme in _DEFAULT_PORTS:
        return
    if parsed.scheme != "https":
        raise _refused(host, "it is not an https address")
    if not _is_listed(host, parsed.path, hosts):
        raise _unlisted(host)
    if is_loopback(host):
        raise _refused(host, "it leads into a private network")
    if _is_address(host):
        check_peer(host.strip("[]"), host)


def peers_of(url: str, hosts: MediaHosts) -> Callable[[str, int], Sequence[str]]:
    """How to look up the host of an address that `check_address` let pass, when a connection to it is made.

    What it returns are the addresses of the host: all public, or all of this machine where that was configured.
    It raises `SaveError` of kind REFUSED_HOST when one is not, NETWORK when the name does not resolve.
    """
    return _own_peers if is_configured_loopback(url, hosts) else public_peers


def public_peers(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, when every one is public. Raises `SaveError`."""
    found = _resolve(host, port)
    for address in found:
        check_peer(address, host)
    return found


def _own_peers(host: str, port: int) -> Sequence[str]:
    found = _resolve(host, port)
    if not all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found):
        raise _refused(host, "it leads away from this machine")
    return found


def check_peer(address: str, host: str) -> None:
    """Refuse an address that is not public: private, loopback, link-local, reserved or multicast."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise _refused(host, "its address cannot be read") from None
    inner = any(ip in network for network in _INNER)
    if inner or any(not each.is_global or each.is_multicast for each in _meant(ip)):
        raise _refused(host, "it leads into a private network")


def is_configured_loopback(url: str, hosts: MediaHosts) -> bool:
    """The address is a loopback ``host:port`` that the configuration names."""
    parsed = parsed_address(url)
    return f"{_host(parsed)}:{port_of(parsed)}" in _loopback_pairs(hosts)


def same_origin(one: str, other: str) -> bool:
    """Scheme, host and port are equal."""
    a, b = parsed_address(one), parsed_address(other)
    return (a.scheme, _host(a), port_of(a)) == (b.scheme, _host(b), port_of(b))


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


@lru_cache(maxsize=256)
def parsed_address(url: str) -> httpx.URL:
    """An address as it is checked, and as it is connected to. Raises `SaveError` of kind REFUSED_HOST."""
    try:
        parsed = httpx.URL(url)
        named = bool(parsed.host)  # which decodes a name in other letters, if it is one
        if not 0 <= (parsed.port or 0) <= 65535:
            raise ValueError
    except (httpx.InvalidURL, ValueError):
        raise _refused("", "the address cannot be read") from None
    if not named:
        raise _refused("", "the address names no host")
    return parsed


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii", "replace").lower().rstrip(".")


def port_of(url: httpx.URL) -> int:
    """The port that an address names, or its scheme's own."""
    return url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _loopback_pairs(hosts: MediaHosts) -> frozenset[str]:
    return _pairs(hosts.loopback)


@lru_cache(maxsize=32)
def _pairs(loopback: tuple[str, ...]) -> frozenset[str]:
    pairs = set()
    for pair in loopback:
        url = httpx.URL(f"http://{pair}")
        pairs |= {f"{_host(url)}:{port}" for port in ([url.port] if url.port else [80, 443])}
    return frozenset(pairs)


def _is_listed(host: str, path: str, hosts: MediaHosts) -> bool:
    if hosts.any_public_https:
        return True
    for listed in hosts.names:
        name, slash, prefix = listed.partition("/")
        if not name.isascii():
            name = _ascii(name)
        if slash and (not path.startswith(f"/{prefix.rstrip('/')}/") or ".." in path.split("/")):
            continue  # however its dots are spelled: some servers read them, and they lead out
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return True
    return False


def _ascii(name: str) -> str:
    """A name in other letters as the client writes it."""
    star = "*." if name.startswith("*.") else ""
    try:
        return star + _host(httpx.URL(f"https://{name.removeprefix(star)}"))
    except (httpx.InvalidURL, ValueError):
        return name


def _unlisted(host: str) -> SaveError:
    """Why a host that is on no list is refused; its name is not even looked up before somebody allows it."""
    if _is_address(host):
        try:
            check_peer(host.strip("[]"), host)
        except SaveError as exc:
            return exc
    elif "." not in host or "%" in host or host.endswith(_INWARD) or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _refused(host, "this host is not on the provider's list")
    return UnknownHost(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise SaveError(SaveErrorKind.NETWORK, f"{host} was not found ({type(exc).__name__})") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refused(host: str, why: str) -> SaveError:
    return SaveError(
        SaveErrorKind.REFUSED_HOST,
        f"not downloaded from {host or 'this address'}: {why}",
        hint="If you trust it, add the host to save.allow_hosts in the configuration, then retry.",
    )
