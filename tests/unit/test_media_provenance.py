"""Provenance: what a signed film says, what breaks it, and which certificates sign."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

import media_files as files
from filmgate.domain.errors import ConfigError, EngineFailed
from filmgate.media.certificates import (
    LIFE,
    certificate_facts,
    credential_in_force,
    ensure_pair,
    make_pair,
    newest_pair,
    read_credential,
)
from filmgate.media.film import write_film
from filmgate.media.probe import probe_film
from filmgate.media.provenance import read_provenance, sign_film, try_credential
from filmgate.ports.engine import Source
from filmgate.ports.studio import Credential

NOW = datetime.now(UTC)
FACTS = {
    "engine": "testcard",
    "engine_version": "1.0",
    "model": "wan2.5-preview",
    "seed": "42",
    "task": "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ",
}
BOX_HEADER_BYTES = 8


@pytest.fixture(scope="module")
def credential(tmp_path_factory: pytest.TempPathFactory) -> Credential:
    return make_pair(tmp_path_factory.mktemp("data") / "certs", now=NOW)


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("film") / "film.mp4"
    write_film(
        target,
        files.PaintedFootage(width_px=256, height_px=144, frame_count=24),
        width_px=256,
        height_px=144,
        fps=24,
        duration_s=1,
        sound=files.sound_of(1),
        has_watermark=False,
        metadata=FACTS,
        on_frame=lambda _: None,
    )
    return target


@pytest.fixture
def film(unsigned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(unsigned, tmp_path / "film.mp4"))


def top_boxes(film: Path) -> dict[str, tuple[int, int]]:
    """The boxes of a file in their order: where each begins and ends."""
    content, offset, found = film.read_bytes(), 0, {}
    while offset < len(content):
        length = int.from_bytes(content[offset : offset + 4])
        found[content[offset + 4 : offset + 8].decode("ascii")] = (offset, offset + length)
        offset += length
    return found


def flipped(film: Path, at: int) -> Path:
    content = bytearray(film.read_bytes())
    content[at] ^= 1
    film.write_bytes(content)
    return film


# ---- films


@pytest.mark.parametrize("source", list(Source))
def test_a_signed_film_says_how_it_was_made(film: Path, credential: Credential, source: Source):
    sign_film(film, credential, source=source, facts=FACTS)
    said = read_provenance(film)
    assert said is not None
    assert (said.state, said.codes) == ("Valid", ("signingCredential.untrusted",))
    assert said.source == source.value
    assert said.facts == FACTS
    assert said.software.startswith("filmgate ")
    assert said.signer == "filmgate"


def test_signing_leaves_streams_edits_and_index_as_they_were(
    film: Path, unsigned: Path, credential: Credential
):
    sign_film(film, credential, source=Source.ALGORITHMIC, facts=FACTS)
    assert probe_film(film) == probe_film(unsigned)
    assert list(top_boxes(film))[:3] == ["ftyp", "uuid", "moov"]
    assert "mdat" in top_boxes(film)
    assert film.stat().st_size - unsigned.stat().st_size < 5_000
    assert [path.name for path in film.parent.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("box", ["moov", "mdat"])
def test_one_flipped_bit_makes_it_invalid(film: Path, credential: Credential, box: str):
    sign_film(film, credential, source=Source.ALGORITHMIC, facts=FACTS)
    start, end = top_boxes(film)[box]
    said = read_provenance(flipped(film, (start + BOX_HEADER_BYTES + end) // 2))
    assert said is not None
    assert said.state == "Invalid"
    assert "assertion.bmffHash.mismatch" in said.codes


def test_one_flipped_bit_of_the_facts_makes_it_invalid(film: Path, credential: Credential):
    sign_film(film, credential, source=Source.ALGORITHMIC, facts=FACTS)
    at = film.read_bytes().index(FACTS["task"].encode(), top_boxes(film)["uuid"][0])
    said = read_provenance(flipped(film, at + len(FACTS["task"]) - 1))
    assert said is not None
    assert said.state == "Invalid"
    assert "assertion.hashedURI.mismatch" in said.codes


def test_a_film_without_a_manifest_says_nothing(film: Path, tmp_path: Path):
    assert read_provenance(film) is None
    with pytest.raises(ValueError, match="provenance cannot be read"):
        read_provenance(tmp_path / "none.mp4")


def test_a_film_that_cannot_be_signed_stays_and_the_failure_names_no_file(
    film: Path, credential: Credential, tmp_path: Path
):
    before = film.read_bytes()
    broken = [
        replace(credential, key=tmp_path / "gone.pem"),
        replace(credential, key=make_pair(tmp_path / "other", now=NOW).key),
        replace(credential, algorithm="es384"),
    ]
    for one in broken:
        with pytest.raises(EngineFailed, match="provenance could not be signed") as raised:
            sign_film(film, one, source=Source.ALGORITHMIC, facts=FACTS)
        assert str(tmp_path) not in raised.value.message
    assert film.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "other"}


# ---- certificates


def test_a_self_made_pair_is_private_and_lasts_ten_years(tmp_path: Path):
    made = make_pair(tmp_path / "certs", now=NOW)
    facts = certificate_facts(made.certificate)
    assert made.algorithm == "es256"
    assert facts.not_after == (NOW + LIFE).replace(microsecond=0)
    assert (tmp_path / "certs").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.key.parent.iterdir()} == {0o600}
    assert len(x509.load_pem_x509_certificates(made.certificate.read_bytes())) == 2
    try_credential(made)


def test_another_pair_is_in_force_and_the_old_one_stays(tmp_path: Path):
    first, second = make_pair(tmp_path, now=NOW), make_pair(tmp_path, now=NOW)
    assert newest_pair(tmp_path) == (second.certificate, second.key)
    assert ensure_pair(tmp_path, now=NOW) == second
    assert read_credential(first.certificate, first.key, now=NOW) == first
    fingerprints = [certificate_facts(pair.certificate).fingerprint for pair in (first, second)]
    assert fingerprints[0] != fingerprints[1]


def test_a_pair_is_kept_until_a_month_before_its_end(tmp_path: Path):
    first = ensure_pair(tmp_path, now=NOW)
    assert ensure_pair(tmp_path, now=NOW + LIFE - timedelta(days=31)) == first
    assert ensure_pair(tmp_path, now=NOW + LIFE - timedelta(days=29)) != first


def operators(
    folder: Path, key=None, *, days: float = 90, password: bytes | None = None
) -> tuple[str, str]:
    """A signer under somebody's authority, as an operator would have it: certificate and key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name.from_rfc4514_string("O=Example Authority,CN=root")
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string("O=Example Studio,CN=films"))
        .issuer_name(root_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                **dict.fromkeys(
                    ("content_commitment", "key_encipherment", "data_encipherment"), False
                ),
                **dict.fromkeys(("key_agreement", "key_cert_sign", "crl_sign"), False),
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(root_key, SHA256())
    )
    secrecy = BestAvailableEncryption(password) if password else NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy))
    (folder / "films.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    return str(folder / "films.pem"), str(folder / "key.pem")


@pytest.mark.parametrize(
    ("draw", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "es256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048), "ps256"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519"),
    ],
)
def test_the_operators_certificate_signs_whatever_its_kind(
    film: Path, tmp_path: Path, draw, algorithm: str
):
    certificate, key = operators(tmp_path, draw())
    credential = credential_in_force(tmp_path / "x", certificate=certificate, key=key, now=NOW)
    try_credential(credential)
    sign_film(film, credential, source=Source.TRAINED, facts=FACTS)
    said = read_provenance(film)
    assert said is not None
    assert (credential.algorithm, said.state, said.signer) == (algorithm, "Valid", "films")
    assert not (tmp_path / "x").exists()


def test_a_pair_that_cannot_sign_is_told_with_its_file_and_rule(tmp_path: Path):
    certificate, key = (Path(name) for name in operators(tmp_path))
    other = make_pair(tmp_path / "other", now=NOW)
    (tmp_path / "text.pem").write_text("hello")

    def told(certificate: Path, key: Path) -> str:
        with pytest.raises(ConfigError) as raised:
            read_credential(certificate, key, now=NOW)
        return raised.value.message

    assert "cannot be read: No such file" in told(tmp_path / "none.pem", key)
    assert "must be a PEM file of certificates" in told(tmp_path / "text.pem", key)
    assert "must be a PEM file of a private key" in told(certificate, tmp_path / "text.pem")
    assert "is not the key of the first certificate" in told(certificate, other.key)
    operators(tmp_path, days=-10)
    assert "is valid from" in told(certificate, key)
    operators(tmp_path, password=b"secret")
    assert "without a password" in told(certificate, key)
    operators(tmp_path, ec.generate_private_key(ec.SECP256K1()))
    assert "P-256, P-384 or P-521" in told(certificate, key)


def test_a_certificate_that_c2pa_refuses_is_told_at_the_start(tmp_path: Path):
    certificate, key = (Path(name) for name in operators(tmp_path))
    reversed_chain = x509.load_pem_x509_certificates(
        make_pair(tmp_path / "other", now=NOW).certificate.read_bytes()
    )[::-1]
    certificate.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in reversed_chain))
    credential = Credential(certificate=certificate, key=key, algorithm="es256")
    with pytest.raises(ConfigError, match=r"cannot be signed with .*films\.pem"):
        try_credential(credential)
