"""Files over TLS: every byte, however the records fall, and nothing from a server that cannot prove its name."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.support.fal_server import PNG, FalServer, Reply
from tests.support.workshop import QUICK

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts
from mediatui.providers.http import certificates
from mediatui.sandbox.tls import certificate
from mediatui.studio.download import Downloader, Limits, Stopped
from mediatui.studio.part import PartFile
from mediatui.studio.transport import Patience

TYPED = {"Content-Type": "video/mp4", "ETag": '"1"'}
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(autouse=True)
def own_certificates() -> Iterator[None]:
    """What one test trusts, the next does not."""
    certificates.cache_clear()
    yield
    certificates.cache_clear()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(params=VERSIONS, ids=lambda version: str(version.name))
def secure_fal(
    request: pytest.FixtureRequest, pem: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FalServer]:
    """A server that speaks one version of TLS, and is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pem)
    context.minimum_version = context.maximum_version = request.param
    with FalServer(context) as server:
        yield server


@contextmanager
def downloading() -> Iterator[Downloader]:
    downloader = Downloader(QUICK)
    try:
        yield downloader
    finally:
        downloader.close()


def fetch(downloader: Downloader, fal: FalServer, path: Path) -> bytes:
    netloc = fal.netloc
    limits = Limits(MediaHosts(loopback=(netloc,)), 1 << 30)
    with PartFile(path) as part:
        downloader.fetch(f"https://{netloc}/files/{path.stem}.mp4", part, limits, {}, lambda *_: None)
        return part.path.read_bytes()


@pytest.mark.parametrize("size", [1, 777, 16 << 10, (1 << 18) + 1, (3 << 20) + 5])
def test_every_byte_arrives_over_one_connection(secure_fal: FalServer, tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    secure_fal.script("file", Reply(body=body, headers=TYPED))
    with downloading() as downloader:
        for name in "abc":
            assert fetch(downloader, secure_fal, tmp_path / f"{name}.part") == body
    assert len({call.port for call in secure_fal.of("file")}) == 1


def test_a_body_without_a_length(secure_fal: FalServer, tmp_path: Path) -> None:
    body = os.urandom(200_000)
    replies = Reply(body=body, headers=TYPED, chunked=True), Reply(body=body, headers=TYPED, until_close=True)
    secure_fal.script("file", *replies)
    with downloading() as downloader:
        assert [fetch(downloader, secure_fal, tmp_path / f"{name}.part") for name in "ab"] == [body] * 2


def test_a_connection_cut_in_the_middle_is_resumed(secure_fal: FalServer, tmp_path: Path) -> None:
    body = os.urandom(2 << 20)

    def on_file(call: object) -> Reply:
        asked = secure_fal.of("file")
        if len(asked) == 1:
            return Reply(body=body, headers=TYPED, cut=1_500_000)  # without a goodbye: the socket just ends
        start = int(asked[-1].headers["range"].removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Reply(206, body[start:], headers={**TYPED, "Content-Range": span})

    secure_fal.on["file"] = on_file
    with downloading() as downloader:
        assert fetch(downloader, secure_fal, tmp_path / "a.part") == body
    assert [call.headers.get("range") for call in secure_fal.of("file")] == [None, "bytes=1500000-"]


def test_a_server_that_says_nothing_more_is_not_waited_for(secure_fal: FalServer, tmp_path: Path) -> None:
    never = threading.Event()
    secure_fal.script("file", Reply(body=bytes(100_000), headers=TYPED, hold_body=(60_000, never)))
    downloader = Downloader(Patience())
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(fetch, downloader, secure_fal, tmp_path / "a.part")
        secure_fal.wait_for("file")
        downloader.close()
        with pytest.raises(Stopped):
            done.result(20)  # long before the patience with the server ends


@pytest.mark.parametrize("secure_fal", VERSIONS[1:], indirect=True, ids=["TLSv1_3"])
def test_nothing_is_asked_of_a_server_that_is_not_trusted(
    secure_fal: FalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with downloading() as downloader, pytest.raises(SaveError, match="its certificate is not trusted") as caught:
        fetch(downloader, secure_fal, tmp_path / "a.part")
    assert caught.value.kind is SaveErrorKind.NETWORK
    assert not secure_fal.calls


def test_nothing_is_asked_of_a_server_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = named(tmp_path, "media.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with FalServer(context) as server, downloading() as downloader:
        with pytest.raises(SaveError, match="its certificate is not trusted"):
            fetch(downloader, server, tmp_path / "a.part")
        assert not server.calls


@pytest.mark.parametrize(
    ("name", "days", "trusted", "words"),
    [
        ("localhost", 1, False, "self-signed certificate"),
        ("localhost", -1, True, "certificate has expired"),
        ("media.example", 1, True, "not valid for 'localhost'"),
    ],
)
def test_a_bad_certificate_is_looked_at_once_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, trusted: bool, words: str
) -> None:
    pem = named(tmp_path, name, days)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with shaking_hands(pem) as (port, tries), downloading() as downloader:
        limits = Limits(MediaHosts(loopback=(f"localhost:{port}",)), 1 << 30)
        with PartFile(tmp_path / "a.part") as part, pytest.raises(SaveError, match=words) as caught:
            downloader.fetch(f"https://localhost:{port}/a.mp4", part, limits, {}, lambda *_: None)
    assert caught.value.message.startswith("localhost: its certificate is not trusted (")
    assert "clock" in caught.value.message
    assert len(tries) == 1


def test_a_name_with_a_dot_at_its_end_is_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = named(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with FalServer(context) as server, downloading() as downloader, PartFile(tmp_path / "a.part") as part:
        port = server.netloc.rpartition(":")[2]
        limits = Limits(MediaHosts(loopback=(f"localhost:{port}",)), 1 << 30)
        downloader.fetch(f"https://localhost.:{port}/files/a.png", part, limits, {}, lambda *_: None)
        assert part.size == len(PNG)


@contextmanager
def shaking_hands(pem: Path) -> Iterator[tuple[int, list[int]]]:
    """A server that shows its certificate and does no more; its port, and the ports of who came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    tries: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ending = threading.Event()

        def serve() -> None:
            while True:
                sock, peer = server.accept()
                with sock:
                    if ending.is_set():
                        return
                    tries.append(peer[1])
                    with suppress(OSError), context.wrap_socket(sock, server_side=True):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield port, tries
        ending.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()


def named(folder: Path, name: str, days: int = 1) -> Path:
    """A certificate that speaks for one name only, until so many days from now, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = folder / "named.pem"
    pem.write_bytes(private + made.public_bytes(Encoding.PEM))
    return pem


def test_a_server_without_tls_is_no_server(tmp_path: Path, fal: FalServer) -> None:
    with downloading() as downloader, pytest.raises(SaveError, match="no TLS connection"):
        fetch(downloader, fal, tmp_path / "a.part")


def test_who_hangs_up_instead_of_shaking_hands(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, downloading() as downloader:
        port = server.getsockname()[1]
        ending = threading.Event()

        def hang_up() -> None:
            while not ending.is_set():
                server.accept()[0].close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        limits = Limits(MediaHosts(loopback=(f"127.0.0.1:{port}",)), 1 << 30)
        with PartFile(tmp_path / "a.part") as part, pytest.raises(SaveError) as caught:
            downloader.fetch(f"https://127.0.0.1:{port}/a.mp4", part, limits, {}, lambda *_: None)
        assert caught.value.kind is SaveErrorKind.NETWORK
        ending.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
