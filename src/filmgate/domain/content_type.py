"""What a file is, by its first bytes. Names and headers lie; content decides."""

from __future__ import annotations


def sniff(head: bytes) -> str | None:
    """Return the content type that the first 64 bytes tell, or None.

    Signatures: PNG spec 5.2, JPEG SOI, RIFF containers, GIF89a, BMP, ID3v2 and MPEG audio frame
    sync (ISO 11172-3).
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    if head[:2] == b"BM" and len(head) >= 18:
        return "image/bmp"
    if head[:3] == b"ID3" or _is_mpeg_audio_frame(head):
        return "audio/mpeg"
    if head[:5] == b"%PDF-":
        return "application/pdf"
    return None


def _is_mpeg_audio_frame(head: bytes) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3
