"""Decodes a caller's wav or mp3: its real length and its samples. It believes no header.

A file is told by its first bytes and opened as that format only, so that no other demuxer ever sees
a caller's bytes.
"""

# PyAV's stubs leave the stream of a packet open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import struct
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.error import FFmpegError

from filmgate.domain.content_type import described, sniff
from filmgate.domain.errors import InputRejected
from filmgate.ports.engine import SOUND_RATE_HZ
from filmgate.ports.studio import SoundFacts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

DURATION_MIN_S, DURATION_MAX_S = 3, 30
PADDING_S = Fraction(1, 10)
"""What a codec that works in blocks may add or lose: four mp3 frames at 48 kHz."""
RATE_MIN_HZ, RATE_MAX_HZ = 4_000, 384_000
CHANNELS_MAX = 8
BAD_PACKETS_SHARE_MAX = 0.05
BAD_PACKETS_FREE = 2
LOST_SHARE_MAX = Fraction(5, 100)
SAMPLE_MAX = 2**32
"""Full scale is 1, but some writers keep the scale of whole numbers."""
FADE_SAMPLES = SOUND_RATE_HZ // 100
FLOAT_CODECS = frozenset({"pcm_f32le", "pcm_f64le"})
PCM_CODECS = FLOAT_CODECS | {
    *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le"),
    *("pcm_alaw", "pcm_mulaw"),
}
BLOCK_CODECS = frozenset({"adpcm_ms", "adpcm_ima_wav", "mp3", "mp3float"})
CONTENT_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
WAV_OPEN_SIZE_BYTES = 2**31 - 2**16
"""Sizes from here on say that the writer did not know the length."""

AV_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
"""The content types that are taken, and FFmpeg's names for them."""


def inspect_sound(path: Path, *, param: str) -> SoundFacts:
    """Decode a sound file to its end, or until it is too long.

    The rule: 3 to 30 seconds, both included; mp3 and ADPCM, which work in blocks, get 0.1 seconds
    of padding either way.

    Raises InputRejected: input_audio_type, input_audio_broken, input_audio_too_short,
    input_audio_too_long.
    """
    with _opened(path, param) as source:
        padding = PADDING_S if source.is_in_blocks else 0
        duration = Fraction(0)
        for frame in source.frames():
            duration += Fraction(frame.samples, frame.sample_rate)
            if duration > DURATION_MAX_S + padding:
                raise source.rejected("too_long", "more than 30 seconds")
        declared = _declared_mp3_s(path, source) if source.kind == "mp3" else None
        if declared and duration < declared * (1 - LOST_SHARE_MAX):
            lost = f"it declares {_seconds(declared)} seconds of sound and has {_seconds(duration)}"
            raise _broken(param, lost)
        if duration < DURATION_MIN_S - padding:
            raise source.rejected("too_short", f"{_seconds(duration)} seconds")
        return SoundFacts(duration_s=float(duration), content_type=CONTENT_TYPES[source.kind])


def read_sound(path: Path, *, sample_count: int, param: str = "audio_url") -> NDArray[np.float32]:
    """Decode to float32 [2, sample_count] at 48 kHz within -1..1.

    A longer sound is cut with a fade of 10 ms, a shorter one is followed by exact zeros. Mono is
    heard on both sides at its own level.

    Raises InputRejected as `inspect_sound` does, but for the lengths.
    """
    sound = np.zeros((2, sample_count), np.float32)
    filled = 0
    is_cut = False
    with _opened(path, param) as source:
        for piece in source.pieces():
            room = sample_count - filled
            is_cut = piece.shape[1] > room
            sound[:, filled : filled + piece.shape[1]] = piece[:, :room]
            filled += min(piece.shape[1], room)
            if is_cut:
                break
    if is_cut:
        sound[:, -FADE_SAMPLES:] *= np.linspace(1, 0, FADE_SAMPLES, dtype=np.float32)
    peak = float(np.abs(sound).max(initial=0))
    return sound / np.float32(peak) if peak > 1 else sound


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """An open sound file of a codec that is allowed."""

    box: InputContainer
    stream: AudioStream
    kind: str
    param: str

    @property
    def is_in_blocks(self) -> bool:
        return self.stream.codec_context.name in BLOCK_CODECS

    def frames(self) -> Iterator[AudioFrame]:
        """Decode. A few bad packets are skipped: an mp3 cut out of a longer one has them."""
        is_float = self.stream.codec_context.name in FLOAT_CODECS
        first_shape: tuple[int, str] | None = None
        packets = bad = 0
        for packet in self.box.demux(self.stream):
            packets += 1
            try:
                frames = self.stream.decode(packet)
            except FFmpegError:
                bad += 1
                continue
            for frame in frames:
                shape = (frame.sample_rate, frame.layout.name)
                first_shape = first_shape or shape
                if shape != first_shape:
                    bad += 1
                    continue
                # Written so that a sample that is no number is refused as well.
                if is_float and not np.abs(frame.to_ndarray()).max(initial=0) <= SAMPLE_MAX:
                    raise _broken(self.param, "it has samples that are no numbers, or huge ones")
                yield frame
        if bad > max(BAD_PACKETS_FREE, packets * BAD_PACKETS_SHARE_MAX):
            raise _broken(
                self.param,
                f"{bad} of its {packets} packets cannot be decoded or change their format",
            )

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        """Decode to float32 [2, n] at 48 kHz."""
        # swresample takes 3 dB off a mono sound that it spreads over two channels.
        layout = "mono" if self.stream.channels == 1 else "stereo"
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=SOUND_RATE_HZ)
        for frame in self._with_end():
            if frame is not None:
                frame.pts = None
            for piece in resampler.resample(frame):
                yield np.broadcast_to(piece.to_ndarray(), (2, piece.samples)).astype(np.float32)

    def _with_end(self) -> Iterator[AudioFrame | None]:
        yield from self.frames()
        yield None

    def rejected(self, code: str, got: str) -> InputRejected:
        return InputRejected(
            f"{self.param} must last {DURATION_MIN_S} to {DURATION_MAX_S} seconds, got {got}",
            reason=f"input_audio_{code}",
            param=self.param,
        )


@contextmanager
def _opened(path: Path, param: str) -> Generator[_Source]:
    with path.open("rb") as file:
        head = file.read(4096)
    # Some encoders begin an mp3 with zeros.
    kind = AV_FORMATS.get(sniff(head) or sniff(head.lstrip(b"\x00")) or "")
    if kind is None:
        raise _wrong_type(param, described(head))
    if kind == "wav":
        _require_whole_wav(path, param)
    try:
        with av.open(str(path), mode="r", format=kind, metadata_errors="ignore") as box:
            yield _checked(box, kind, param)
    except FFmpegError as error:
        raise _broken(param, "it cannot be decoded") from error


def _checked(box: InputContainer, kind: str, param: str) -> _Source:
    if not box.streams.audio:
        raise _broken(param, "it has no sound in it")
    stream = box.streams.audio[0]
    codec = cast("AudioCodecContext | None", stream.codec_context)  # None: a code nobody knows
    if codec is None or codec.name not in PCM_CODECS | BLOCK_CODECS:
        name = codec.name if codec else "an unknown codec"
        raise _wrong_type(param, f"{kind} with {name} inside")
    if not RATE_MIN_HZ <= codec.sample_rate <= RATE_MAX_HZ:
        message = f"{param} must have a sample rate of {RATE_MIN_HZ} to {RATE_MAX_HZ} Hz, got"
        raise InputRejected(
            f"{message} {codec.sample_rate} Hz", reason="input_audio_type", param=param
        )
    if not 1 <= stream.channels <= CHANNELS_MAX:
        message = f"{param} must have 1 to {CHANNELS_MAX} channels, got {stream.channels}"
        raise InputRejected(message, reason="input_audio_type", param=param)
    return _Source(box=box, stream=stream, kind=kind, param=param)


def _require_whole_wav(path: Path, param: str) -> None:
    """Refuse a wav whose data chunk declares more than the file holds: its transfer was cut off."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        offset = 12
        while offset + 8 <= size_bytes:
            file.seek(offset)
            kind, length = struct.unpack("<4sI", file.read(8))
            if kind == b"data":
                there = size_bytes - offset - 8
                if there < length < WAV_OPEN_SIZE_BYTES:
                    raise _broken(param, f"it declares {length} bytes of sound and has {there}")
                return
            offset += 8 + length + length % 2


def _declared_mp3_s(path: Path, source: _Source) -> Fraction | None:
    """Give the length an mp3's own index declares; without an index it would be a mere guess."""
    with path.open("rb") as file:
        head = file.read(10)
        tags_bytes = 0
        if head.startswith(b"ID3"):
            # ID3v2.4, section 3.1: four bytes of seven bits, without the header's ten.
            tags_bytes = 10 + sum(
                byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False)
            )
        file.seek(tags_bytes)
        first_frame = file.read(256)
    has_index = b"Xing" in first_frame or b"Info" in first_frame
    stream = source.stream
    if not has_index or stream.duration is None or stream.time_base is None:
        return None
    return stream.duration * stream.time_base


def _seconds(duration: Fraction) -> str:
    return f"{float(duration):.3f}".rstrip("0").rstrip(".")


def _wrong_type(param: str, got: str) -> InputRejected:
    return InputRejected(
        f"{param} must be a wav or mp3 file, got {got}", reason="input_audio_type", param=param
    )


def _broken(param: str, why: str) -> InputRejected:
    return InputRejected(
        f"{param} must be a whole, readable wav or mp3 file: {why}",
        reason="input_audio_broken",
        param=param,
    )
