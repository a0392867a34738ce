"""Tells a file's kind by its first bytes. It decodes nothing and looks at no declared type."""

from __future__ import annotations

PICTURE_KINDS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}
"""Formats by Pillow's name, and their content types."""

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
ID3_MARK = b"ID3"


def picture_format(head: bytes) -> str | None:
    """Give Pillow's name of the format, a key of `PICTURE_KINDS`; None if it is none of them."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    # Two letters are little: the header that follows must be of a length that exists.
    if head.startswith(b"BM") and head[14:18] in BMP_HEADERS:
        return "BMP"
    return None


BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))


def sound_format(head: bytes) -> str | None:
    """Give `wav` or `mp3`, or None if it is neither."""
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(ID3_MARK) or _is_mp3_frame(head.lstrip(b"\x00")[:4]):
        return "mp3"
    return None


def described(head: bytes) -> str:
    """Say in words what these bytes are, for a message."""
    if not head:
        return "an empty file"
    if kind := picture_format(head) or sound_format(head):
        return kind.upper()
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


def _is_mp3_frame(header: bytes) -> bool:
    """MPEG-1, 2 or 2.5, layer III, bit rate and sample rate that exist (ISO/IEC 11172-3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return False
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate = header[2] >> 4, header[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in {0, 15} and sample_rate != 3
