"""From where media may come."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts
from mediatui.settings import is_loopback
from mediatui.studio.hosts import check_address, check_peer, peers_of, public_peers, same_origin

HOSTS = MediaHosts(
    names=(
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "[::1]",
        "gcs.example/bucket",
        "*.cdn.example",
        "no.host.invalid",
    ),
    loopback=("127.0.0.1:8000", "localhost", "[::1]:9000"),
)

ALLOWED = [
    "http://127.0.0.1:8000/x",
    "https://127.0.0.1:8000/",
    "http://localhost/x",
    "https://localhost/",
    "http://[::1]:9000/a",
]
REFUSED = {
    "http://127.0.0.1:8001/x": "not an https",
    "https://127.0.0.1:8001/x": "private network",
    "https://localhost:444/x": "private network",
    "https://10.0.0.1/x": "private network",
    "https://evil.example/x": "not on the provider's list",
    "https://gcs.example/other/x": "not on the provider's list",
    "https://gcs.example/bucketeer/x": "not on the provider's list",
    "https://cdn.example/x": "not on the provider's list",
    "https://evilcdn.example/x": "not on the provider's list",
    "https://127.0.0.1:8000@evil.example/x": "carries a user name",
    "http://me@127.0.0.1:8000/x": "carries a user name",
    "ftp://127.0.0.1:8000/x": "not an https",
    "file:///etc/passwd": "names no host",
    "/relative": "names no host",
    "": "names no host",
    "https://": "names no host",
    "https://[::1": "cannot be read",
    "https://fal.media\x00.evil.example/": "cannot be read",
    "https://xn--fal-.media/x": "cannot be read",
    "https://x:99999/": "cannot be read",
    "https://x:-1/": "cannot be read",
    "https://gcs.example/bucket/%2e%2e/other/x": "not on the provider's list",
    "https://gcs.example/bucket%2f..%2fother/x": "not on the provider's list",
    "https://2130706433/x": "not on the provider's list",
    "https://127.1/x": "not on the provider's list",
    "https://0x7f.0.0.1/x": "not on the provider's list",
    "https://0177.0.0.0x1/x": "not on the provider's list",
    "https://[::ffff:127.0.0.1]/x": "private network",
    "https://10.0.0.1./x": "private network",
    "https://127.0.0.1.evil.example:8000/x": "not on the provider's list",
    "https://\uff11\uff12\uff17.0.0.1/x": "cannot be read",
}


@pytest.mark.parametrize("url", ALLOWED)
def test_configured_loopback_is_allowed(url: str) -> None:
    check_address(url, HOSTS)


@pytest.mark.parametrize(("url", "words"), REFUSED.items())
def test_refused(url: str, words: str) -> None:
    with pytest.raises(SaveError, match=words) as caught:
        check_address(url, HOSTS)
    assert caught.value.kind is SaveErrorKind.REFUSED_HOST
    assert "add the host" in caught.value.hint


def test_any_public_host_is_still_no_private_one() -> None:
    with pytest.raises(SaveError, match="private network"):
        check_address("https://localhost/x", MediaHosts(any_public_https=True))


@pytest.mark.parametrize("host", ["fal.media%20", "fal.media%2eevil.example", "fal.media%00.example"])
def test_what_is_no_name_is_not_asked_about(host: str) -> None:
    with pytest.raises(SaveError) as caught:
        check_address(f"https://{host}/x", HOSTS)
    assert caught.value.host == ""


def test_a_name_that_leads_nowhere_may_lead_somewhere_later() -> None:
    url = "https://no.host.invalid/"
    check_address(url, HOSTS)
    with pytest.raises(SaveError) as caught:
        peers_of(url, HOSTS)("no.host.invalid", 443)
    assert caught.value.kind.transient


def test_where_names_lead() -> None:
    assert set(peers_of("http://localhost/x", HOSTS)("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(SaveError, match="private network"):
        public_peers("localhost", 443)
    with pytest.raises(SaveError, match="away from this machine"):
        peers_of("http://localhost/x", HOSTS)("8.8.8.8", 80)


def test_a_listed_name_may_be_written_in_its_own_letters() -> None:
    check_address("https://xn--mnchen-3ya.example/x", MediaHosts(names=("münchen.example",)))
    check_address("https://a.xn--mnchen-3ya.example/x", MediaHosts(names=("*.münchen.example",)))


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "nonsense", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b:1::7f00:1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_peers(address: str) -> None:
    with pytest.raises(SaveError):
        check_peer(address, "x")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_peers(address: str) -> None:
    check_peer(address, "x")


def test_origins() -> None:
    assert same_origin("https://a.example/x", "https://A.example:443/y")
    assert not same_origin("https://a.example/x", "http://a.example/x")
    assert not same_origin("https://a.example/x", "https://a.example:8443/x")


@given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"https://{text}"))
def test_any_text_is_refused_or_a_listed_name(text: str) -> None:
    try:
        check_address(text, MediaHosts(names=("a.example",)))
    except SaveError:
        return
    assert httpx.URL(text).host.rstrip(".") == "a.example"


@pytest.mark.parametrize("host", ["127.0.0.1.evil.example", "127.evil.example", "localhost.evil.example", "1127.0.0.1"])
def test_what_only_looks_like_this_machine(host: str) -> None:
    assert not is_loopback(host)
