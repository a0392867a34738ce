"""Signs a film with a C2PA manifest that says how it was made, and reads one back, without network.

    ftyp  uuid  moov  mdat
           └── manifest: c2pa.created (source type, filmgate),
               org.filmgate.generation (engine, model, seed, task),
               a hash of everything else, the signature, its certificates

The manifest says nothing of prompts. There is no time-stamp authority: a signature is as good as
its certificate is today.
"""

# The binding leaves its stream arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from c2pa import Builder, C2paError, C2paSignerInfo, Reader, Signer
from PIL import Image

from filmgate import __version__
from filmgate.domain.errors import ConfigError, EngineFailed, StorageFailed
from filmgate.media.film import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

    from filmgate.ports.engine import Source
    from filmgate.ports.studio import Credential

log = structlog.get_logger()

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
ACTIONS = "c2pa.actions.v2"
GENERATION = "org.filmgate.generation"
DISK_TROUBLE = "Io"
"""How the library's words begin when a file could not be read or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a signed film says of itself, and whether that holds."""

    state: str
    """Valid, Invalid, or Trusted: signed under an authority that the reader knows."""
    codes: tuple[str, ...]
    """What was found wanting, in C2PA's words; `signingCredential.untrusted` is a certificate of
    an authority that the reader does not know."""
    source: str
    """The digital source type, such as algorithmicMedia."""
    software: str
    signer: str
    facts: Mapping[str, str]
    """Engine, engine version, model, seed and task."""


def sign_film(
    film: Path, credential: Credential, *, source: Source, facts: Mapping[str, str]
) -> None:
    """Write the manifest into the film. Its streams stay as they are, its index stays first.

    Raises EngineFailed when the film cannot be signed, StorageFailed when it cannot be written; the
    film is then as it was.
    """
    part = film.with_name(f".{film.name}.signed")
    try:
        with (
            _signing_errors(),
            film.open("rb") as unsigned,
            part.open("w+b") as signed,
            _signer(credential) as signer,
            Builder(_manifest(film.name, "video/mp4", source.value, facts)) as builder,
        ):
            builder.sign(signer, "video/mp4", unsigned, signed)
        put_in_place(part, film)
    finally:
        part.unlink(missing_ok=True)


def try_credential(credential: Credential) -> None:
    """Sign a picture of one pixel, in memory: what C2PA asks of a certificate, C2PA judges.

    Raises ConfigError with its reason.
    """
    picture, signed = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    picture.seek(0)
    manifest = _manifest("trial", "image/png", "algorithmicMedia", {})
    try:
        with _signer(credential) as signer, Builder(manifest) as builder:
            builder.sign(signer, "image/png", picture, signed)
    except C2paError as error:
        raise ConfigError(
            f"films cannot be signed with {credential.certificate}: {error}"
        ) from error


def read_provenance(film: Path) -> Provenance | None:
    """Read and check the manifest of a film; None if it has none.

    Raises ValueError when the file or its manifest cannot be read.
    """
    try:
        reader = Reader.try_create(str(film))
        if reader is None:
            return None
        with reader:
            report: dict[str, Any] = json.loads(reader.json())
    except C2paError as error:
        raise ValueError(f"the provenance cannot be read: {error}") from error
    manifest: dict[str, Any] = report["manifests"][report["active_manifest"]]
    said: dict[str, dict[str, Any]] = {a["label"]: a["data"] for a in manifest["assertions"]}
    actions: list[dict[str, Any]] = said.get(ACTIONS, {}).get("actions", [])
    created = actions[0] if actions else {}
    agent: dict[str, str] = created.get("softwareAgent", {})
    signature: dict[str, str] = manifest.get("signature_info", {})
    return Provenance(
        state=report.get("validation_state", "Invalid"),
        codes=tuple(status["code"] for status in report.get("validation_status", [])),
        source=str(created.get("digitalSourceType", "")).removeprefix(SOURCE_TYPES),
        software=" ".join(agent.values()),
        signer=signature.get("common_name", ""),
        facts=said.get(GENERATION, {}),
    )


def _manifest(title: str, kind: str, source: str, facts: Mapping[str, str]) -> dict[str, Any]:
    software = {"name": "filmgate", "version": __version__}
    created = {
        "action": "c2pa.created",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "digitalSourceType": SOURCE_TYPES + source,
        "softwareAgent": software,
    }
    return {
        "claim_generator_info": [software],
        "format": kind,
        "title": title,
        "assertions": [
            {"label": ACTIONS, "data": {"actions": [created]}},
            {"label": GENERATION, "data": dict(facts)},
        ],
    }


def _signer(credential: Credential) -> Signer:
    try:
        chain, key = credential.certificate.read_bytes(), credential.key.read_bytes()
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error
    return Signer.from_info(
        C2paSignerInfo(
            alg=credential.algorithm.encode("ascii"),
            sign_cert=chain,
            private_key=key,
            ta_url=None,
        )
    )


@contextmanager
def _signing_errors() -> Generator[None]:
    try:
        yield
    except (C2paError, ConfigError, OSError) as error:
        if isinstance(error, OSError) or str(error).startswith(DISK_TROUBLE):
            raise StorageFailed("the film's provenance could not be written") from error
        # The caller may not see what the operator needs: paths, and a library's words.
        log.warning("film.not_signed", reason=str(error))
        raise EngineFailed(
            "the film's provenance could not be signed; the server's log says why"
        ) from error
