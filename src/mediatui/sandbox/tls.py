"""A certificate of the sandbox's own, for clients that insist on https."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

NAMES = (
    "localhost",
    *("queue.localhost", "run.localhost", "rest.localhost", "api.localhost"),
    *("fal.run", "queue.fal.run", "falrun.com", "queue.falrun.com"),
    *("fal.ai", "rest.fal.ai", "api.fal.ai", "fal.media", "v3.fal.media", "v3b.fal.media"),
)
ADDRESSES = ("127.0.0.1", "::1")

_LIFE = timedelta(days=825)
_RENEW = timedelta(days=30)


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """The paths of certificate and key, made when there are none that last. The key is readable by its owner only.

    Clients trust it by being given the certificate's path; nothing is installed anywhere.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem, key = folder / "sandbox.pem", folder / "sandbox-key.pem"
    if not _lasts(pem, host) or not key.exists():
        _make(pem, key, host)
    return pem, key


def _lasts(pem: Path, host: str) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(pem.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    known = {str(name.value) for name in names}
    return host in known and found.not_valid_after_utc > datetime.now(UTC) + _RENEW


def _make(pem: Path, key_file: Path, host: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mediatui sandbox")])
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_file, private, 0o600)
    _write(pem, made.public_bytes(serialization.Encoding.PEM), 0o644)


def _names(host: str) -> list[GeneralName]:
    from cryptography import x509

    names: list[GeneralName] = [x509.DNSName(text) for text in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ADDRESSES]
    if host not in NAMES + ADDRESSES:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    os.replace(part, path)
