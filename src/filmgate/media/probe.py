"""Reads back what a film really is, by decoding it and by parsing its index. It judges nothing.

ftyp  moov ( mvhd  trak ( tkhd edts ( elst )  mdia ( mdhd hdlr … ) ) … )  mdat
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

import av

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer

BOX_HEADER_BYTES = 8
BOX_LARGE_HEADER_BYTES = 16
INDEX_BYTES_MAX = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmProbe:
    """What was found in one MP4."""

    video_codec: str
    profile: str
    pixel_format: str
    width_px: int
    height_px: int
    fps: Fraction
    frame_count: int
    """Counted by decoding."""
    keyframe_count: int
    duration_s: Fraction
    """What the index presents of the video."""
    color_primaries: int
    color_transfer: int
    color_matrix: int
    color_range: int
    """Code points of ITU-T H.273; 1 is BT.709, and the range 1 is limited."""
    audio_codec: str
    audio_rate_hz: int
    audio_channels: int
    audio_bits_per_s: int
    sample_count: int
    """What the edit list presents of the sound."""
    priming_samples: int
    """What the edit list skips at the sound's start."""
    is_index_first: bool
    metadata: dict[str, str]
    """What `write_film` was given; empty if the file has no such comment."""
    video_sha256: str
    audio_sha256: str
    """Of the encoded packets, without the container."""


def probe_film(path: Path) -> FilmProbe:
    """Decode and parse a film with one video and one audio stream.

    Raises ValueError when the file is no such MP4, OSError when it cannot be read.
    """
    with path.open("rb") as file:
        index, is_index_first = _read_index(file, path.stat().st_size)
    timescale = _movie_timescale(index)
    tracks = {track.kind: track for track in _tracks(index)}
    if tracks.keys() < {"vide", "soun"}:
        raise ValueError(f"a film has a video and an audio track, this one has {sorted(tracks)}")
    sound, video = tracks["soun"], tracks["vide"]
    with av.open(str(path), mode="r", format="mp4") as box:
        return FilmProbe(
            **_video_facts(box),
            **_audio_facts(box),
            **_packet_facts(box),
            duration_s=Fraction(video.presented, timescale),
            sample_count=round(Fraction(sound.presented, timescale) * sound.timescale),
            priming_samples=sound.skipped,
            is_index_first=is_index_first,
            metadata=_metadata(box),
        )


def _video_facts(box: InputContainer) -> dict[str, Any]:
    stream = box.streams.video[0]
    codec = stream.codec_context
    return {
        "video_codec": codec.name,
        "profile": stream.profile or "",
        "pixel_format": codec.pix_fmt or "",
        "width_px": codec.width,
        "height_px": codec.height,
        "fps": stream.average_rate or Fraction(0),
        "color_primaries": int(codec.color_primaries),
        "color_transfer": int(codec.color_trc),
        "color_matrix": int(codec.colorspace),
        "color_range": int(codec.color_range),
    }


def _audio_facts(box: InputContainer) -> dict[str, Any]:
    stream = box.streams.audio[0]
    return {
        "audio_codec": stream.codec_context.name,
        "audio_rate_hz": stream.sample_rate,
        "audio_channels": stream.channels,
        "audio_bits_per_s": stream.bit_rate,
    }


def _packet_facts(box: InputContainer) -> dict[str, Any]:
    video, audio = box.streams.video[0], box.streams.audio[0]
    video.thread_type = "AUTO"
    video_hash, audio_hash = sha256(), sha256()
    frames = keyframes = 0
    for packet in box.demux(video, audio):
        is_video = packet.stream_index == video.index
        (video_hash if is_video else audio_hash).update(packet)
        if is_video:
            frames += len(packet.decode())
            keyframes += packet.is_keyframe
    return {
        "frame_count": frames,
        "keyframe_count": keyframes,
        "video_sha256": video_hash.hexdigest(),
        "audio_sha256": audio_hash.hexdigest(),
    }


def _metadata(box: InputContainer) -> dict[str, str]:
    try:
        comment = json.loads(box.metadata.get("comment", "{}"))
    except json.JSONDecodeError:
        return {}
    return {str(key): str(value) for key, value in comment.items()}


@dataclass(frozen=True, slots=True)
class _Track:
    kind: str
    timescale: int
    presented: int
    """In the movie's timescale."""
    skipped: int
    """In the track's timescale."""


def _read_index(file: BinaryIO, size_bytes: int) -> tuple[bytes, bool]:
    """Give the content of `moov`, and whether it lies before `mdat`."""
    seen: list[bytes] = []
    index = b""
    offset = 0
    while offset + BOX_HEADER_BYTES <= size_bytes:
        file.seek(offset)
        header = file.read(BOX_LARGE_HEADER_BYTES)
        length, kind = struct.unpack(">I4s", header[:BOX_HEADER_BYTES])
        header_bytes = BOX_HEADER_BYTES
        if length == 1 and len(header) == BOX_LARGE_HEADER_BYTES:
            (length,) = struct.unpack(">Q", header[BOX_HEADER_BYTES:])
            header_bytes = BOX_LARGE_HEADER_BYTES
        length = length or size_bytes - offset
        if length < header_bytes or offset + length > size_bytes:
            raise ValueError(f"the box at byte {offset} is cut short: not a whole MP4")
        if kind == b"moov" and length <= INDEX_BYTES_MAX:
            file.seek(offset + header_bytes)
            index = file.read(length - header_bytes)
        seen.append(kind)
        offset += length
    if not index or b"mdat" not in seen:
        raise ValueError("the file has no moov or no mdat: not an MP4")
    return index, seen.index(b"moov") < seen.index(b"mdat")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset + BOX_HEADER_BYTES <= len(content):
        length, kind = struct.unpack_from(">I4s", content, offset)
        if length < BOX_HEADER_BYTES:
            raise ValueError(f"a box in moov declares {length} bytes: not an MP4")
        yield kind, content[offset + BOX_HEADER_BYTES : offset + length]
        offset += length


def _box(content: bytes, *path: bytes) -> bytes:
    for wanted in path:
        content = next((inner for kind, inner in _boxes(content) if kind == wanted), b"")
    return content


def _movie_timescale(index: bytes) -> int:
    header = _box(index, b"mvhd")
    if len(header) < 24:
        raise ValueError("moov has no whole mvhd: not an MP4")
    return struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]


def _tracks(index: bytes) -> Iterator[_Track]:
    for kind, track in _boxes(index):
        if kind != b"trak":
            continue
        media = _box(track, b"mdia", b"mdhd")
        timescale = struct.unpack_from(">I", media, 20 if media[0] == 1 else 12)[0]
        edits = list(_edits(_box(track, b"edts", b"elst")))
        yield _Track(
            kind=_box(track, b"mdia", b"hdlr")[8:12].decode("ascii", "replace"),
            timescale=timescale,
            presented=sum(length for length, start in edits if start >= 0),
            skipped=next((start for _, start in edits if start >= 0), 0),
        )


def _edits(box: bytes) -> Iterator[tuple[int, int]]:
    if not box:
        return
    (count,) = struct.unpack_from(">I", box, 4)
    entry = struct.Struct(">Qqhh" if box[0] == 1 else ">Iihh")
    for number in range(min(count, len(box) // entry.size)):
        length, start, _, _ = entry.unpack_from(box, 8 + number * entry.size)
        yield length, start
