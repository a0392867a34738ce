"""The certificates that films are signed with: makes a pair of our own, reads and checks any. It
signs no film.

    certs/0001/certificate.pem   the signer, then the authority that it was made under
               key.pem           the signer's key; the authority's was never written
    certs/0002/…                 made later: the highest number is in force, the others are kept
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from filmgate.domain.errors import ConfigError
from filmgate.ports.studio import Credential

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

FOLDER = "certs"
"""Within the data folder."""
LIFE = timedelta(days=3650)
CLOCK_SKEW = timedelta(days=1)
RENEWED_BEFORE = timedelta(days=30)
ORGANIZATION = "Self-made by filmgate"
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
"""C2PA 2.1, section 13.2: the algorithms that a film may be signed with."""
KEY_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """The signer's certificate in words."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    """SHA-256 of the certificate, as hexadecimal pairs with colons."""

    def ends_soon(self, now: datetime) -> bool:
        """Whether it should be replaced."""
        return self.not_after - now < RENEWED_BEFORE


def credential_in_force(folder: Path, *, certificate: str, key: str, now: datetime) -> Credential:
    """Return the operator's pair if its paths are given, else the self-made one of the folder.

    Raises ConfigError.
    """
    if certificate:
        return read_credential(Path(certificate).absolute(), Path(key).absolute(), now=now)
    return ensure_pair(folder, now=now)


def read_credential(certificate: Path, key: Path, *, now: datetime) -> Credential:
    """Return the pair if films can be signed with it.

    Raises ConfigError that names the file and the rule it breaks.
    """
    signer, private_key = _read_certificate(certificate), _read_key(key)
    if _public(private_key.public_key()) != _public(signer.public_key()):
        raise ConfigError(
            f"{key} is not the key of the first certificate in {certificate};"
            " the signer's own certificate must stand first"
        )
    facts = certificate_facts(certificate)
    if not facts.not_before <= now <= facts.not_after:
        valid = f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}"
        raise ConfigError(f"{certificate} is valid from {valid}, today is {now:%Y-%m-%d}")
    return Credential(certificate=certificate, key=key, algorithm=_algorithm(private_key, key))


def certificate_facts(certificate: Path) -> CertificateFacts:
    """Say what the first certificate of a file is. Raises ConfigError."""
    signer = _read_certificate(certificate)
    return CertificateFacts(
        subject=signer.subject.rfc4514_string(),
        issuer=signer.issuer.rfc4514_string(),
        not_before=signer.not_valid_before_utc,
        not_after=signer.not_valid_after_utc,
        fingerprint=signer.fingerprint(SHA256()).hex(":"),
    )


def newest_pair(folder: Path) -> tuple[Path, Path] | None:
    """Return certificate and key of the self-made pair in force; None if none was made."""
    made = [path for path in folder.glob("[0-9]*") if path.name.isdecimal()]
    if not made:
        return None
    newest = max(made, key=lambda path: int(path.name))
    return newest / "certificate.pem", newest / "key.pem"


def ensure_pair(folder: Path, *, now: datetime) -> Credential:
    """Return the self-made pair in force; it is made if there is none, or if it ends soon.

    Raises ConfigError.
    """
    there = newest_pair(folder)
    if there is not None and not certificate_facts(there[0]).ends_soon(now):
        return read_credential(*there, now=now)
    return make_pair(folder, now=now)


def make_pair(folder: Path, *, now: datetime) -> Credential:
    """Make a pair, which is in force from then on; older ones stay. Raises ConfigError."""
    key, chain = _drawn_pair(now)
    part = folder / f".new-{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        _write_private(part / "certificate.pem", chain)
        _write_private(part / "key.pem", key)
        made = _numbered(part, folder)
    except OSError as error:
        raise ConfigError(
            f"a certificate cannot be written to {folder}: {error.strerror}"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return read_credential(made / "certificate.pem", made / "key.pem", now=now)


def _numbered(part: Path, folder: Path) -> Path:
    """Give a finished pair the next number; whoever else makes one meanwhile takes another."""
    there = newest_pair(folder)
    number = int(there[0].parent.name) if there else 0
    while True:
        number += 1
        target = folder / f"{number:04d}"
        if target.exists():
            continue
        with contextlib.suppress(FileExistsError):
            return part.rename(target)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


# ---- reading


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} must be a PEM file of certificates: {error}") from error


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except TypeError as error:
        raise ConfigError(f"{path} must be a key without a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path} must be a PEM file of a private key") from error


def _algorithm(key: PrivateKeyTypes, path: Path) -> str:
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in CURVES:
            return CURVES[key.curve.name]
        case rsa.RSAPrivateKey():
            return "ps256"
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case _:
            raise ConfigError(
                f"{path} must be a key for ECDSA on P-256, P-384 or P-521, RSA, or Ed25519"
            )


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# ---- making


def _drawn_pair(now: datetime) -> tuple[bytes, bytes]:
    """Draw an authority and a signer under it; give the signer's key and the chain, as PEM."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("filmgate self-made authority"), _name("filmgate")
    root = (_unsigned(root_name, root_name, root_key, now, is_authority=True)).sign(
        root_key, SHA256()
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = (
        _unsigned(name, root_name, key, now, is_authority=False)
        .add_extension(authority, critical=False)
        .add_extension(purpose, critical=True)
        .sign(root_key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret, leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)


def _unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    is_authority: bool,
) -> x509.CertificateBuilder:
    uses = {"key_cert_sign", "crl_sign"} if is_authority else {"digital_signature"}
    basic = x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFE)
        .add_extension(basic, critical=True)
        .add_extension(x509.KeyUsage(**{use: use in uses for use in KEY_USES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(bearer: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, bearer),
        ]
    )
