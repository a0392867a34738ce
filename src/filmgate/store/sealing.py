"""Secrets encrypted with AES-256-GCM before they are stored. The key is never in the database.

    sealed = 1 byte version | 12 bytes nonce | ciphertext and tag    (version, owner: authenticated)

Source: NIST SP 800-38D. Nonces are random: far below the 2^32 messages that one key may encrypt.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from filmgate.domain.errors import ConfigError, SecretUnreadable

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = b"\x01"


class AesGcmSealer:
    """A ports.webhook.Sealer."""

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes as base64. Raises ConfigError."""
        try:
            data = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if len(data) != KEY_BYTES:
            raise ConfigError(f"seal_key must be base64 of {KEY_BYTES} bytes, got other text")
        self._cipher = AESGCM(data)

    def seal(self, clear: bytes, *, owner: str) -> bytes:
        """See the port."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, clear, VERSION + owner.encode())

    def unseal(self, sealed: bytes, *, owner: str) -> bytes:
        """See the port."""
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, VERSION + owner.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(
                "a stored secret cannot be decrypted: it was encrypted with another seal key;"
                " rotating it makes a new one"
            ) from error


def sealer_in_force(path: Path, *, key: str) -> AesGcmSealer:
    """Return the sealer with the given key, else with the one in the file, made if need be.

    Raises ConfigError.
    """
    if key:
        return AesGcmSealer(key)
    try:
        if not path.is_file():
            _write_once(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)))
        return AesGcmSealer(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the seal key {path} cannot be read or made: {error}") from error


def _write_once(path: Path, text: bytes) -> None:
    """Write a private file unless another process was first: the first key must stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text + b"\n")
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return
    finally:
        part.unlink()
