"""What a file is, told from its first bytes. Names lie; whether the rest is sound is for a
decoder to say.
"""

from __future__ import annotations

SNIFF_BYTES = 64
"""How many first bytes are enough."""

MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
)
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif")
AUDIO_TYPES = ("audio/wav", "audio/mpeg")
"""What callers may give, in the order in which messages name it."""
RIFF_FORMS = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})

MARKS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypM4A", "an M4A sound"),
    (4, b"ftyp", "an MP4"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"FORM", "AIFF"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)


def sniff(first_bytes: bytes) -> str | None:
    """Return image/jpeg, png, webp, bmp or gif, audio/wav or mpeg, or None for anything else."""
    for magic, content_type in MAGIC:
        if first_bytes.startswith(magic):
            return content_type
    if first_bytes[:4] in {b"RIFF", b"RF64"}:
        return RIFF_FORMS.get(first_bytes[8:12])
    if _is_bmp(first_bytes):
        return "image/bmp"
    if _is_mp3_frame(first_bytes):
        return "audio/mpeg"
    return None


def described(head: bytes) -> str:
    """Say in words what these bytes are, for a message."""
    if not head:
        return "an empty file"
    if content_type := sniff(head):
        return content_type.rpartition("/")[2].upper()
    for offset, mark, name in MARKS:
        if head.startswith(mark, offset):
            return name
    return _described_text(head)


def _described_text(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith((b"<?xml", b"<svg")):
        return "SVG" if b"<svg" in text else "XML"
    if text.startswith((b"{", b"[")):
        return "JSON or text"
    if not any(byte < 9 for byte in head):
        return "text"
    return "unknown bytes"


def _is_bmp(head: bytes) -> bool:
    """Ask for a known size of the second header too, as two letters are little evidence."""
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADER_BYTES


def _is_mp3_frame(head: bytes) -> bool:
    """Look for a header of MPEG audio layer III (ISO 11172-3, 2.4.2.3); AAC's has layer 0."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in {0, 15} and sample_rate != 3
