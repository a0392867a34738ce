"""Sounds that callers may send, good, odd and hostile, each with its expected answer. It asserts
nothing.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

import media_files as files


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sound that is taken, and how long it is, within `slack_s`."""

    content: Callable[[], bytes]
    seconds: float = 3.0
    slack_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A sound that is refused: the code, and a word of the message."""

    content: Callable[[], bytes]
    code: str
    word: str


def wav(seconds: float = 3.0, **options) -> Callable[[], bytes]:
    rate_hz = options.get("rate_hz", 22_050)
    channels = options.pop("channels", 1)
    return lambda: files.wav_bytes(
        files.tone(seconds, rate_hz=rate_hz, channels=channels), **options
    )


def coded(codec: str, container: str = "wav", seconds: float = 3.0) -> Callable[[], bytes]:
    return lambda: files.coded_bytes(
        files.tone(seconds, rate_hz=44_100), rate_hz=44_100, codec=codec, container=container
    )


def mp3(seconds: float = 4.0, **options) -> Callable[[], bytes]:
    return lambda: files.mp3_bytes(seconds, **options)


def mp3_as(options: dict[str, str], codec_options: dict[str, str]) -> Callable[[], bytes]:
    """An mp3 of 4 seconds by the muxer's and the encoder's own options."""

    def content() -> bytes:
        out = io.BytesIO()
        with av.open(out, "w", format="mp3", options=options) as box:
            stream = box.add_stream("libmp3lame", rate=44_100, layout="mono", options=codec_options)
            samples = files.tone(4, rate_hz=44_100)
            noise = np.random.default_rng(1).normal(0, 0.2, samples.shape[1] // 2)
            samples[0, : noise.size] += noise.astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
            box.mux(stream.encode(frame))
            box.mux(stream.encode())
        return out.getvalue()

    return content


def chunk_between() -> bytes:
    """A wav with a chunk of another program before its sound."""
    whole = wav()()
    return whole[:36] + b"JUNK" + struct.pack("<I", 28) + bytes(28) + whole[36:]


def rf64() -> bytes:
    """A wav of the 64-bit kind (EBU Tech 3306)."""
    whole = wav()()
    data_bytes = len(whole) - 44
    sizes = struct.pack("<QQQI", data_bytes + 72, data_bytes, data_bytes // 2, 0)
    head = b"RF64" + b"\xff" * 4 + b"WAVE" + b"ds64" + struct.pack("<I", len(sizes)) + sizes
    return head + whole[12:40] + b"\xff" * 4 + whole[44:]


def extensible() -> bytes:
    """A wav whose format says "extensible" (KSDATAFORMAT_SUBTYPE_PCM)."""
    whole = wav()()
    form = bytearray(whole[20:36])
    form[:2] = struct.pack("<H", 0xFFFE)
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    form += struct.pack("<HHI", 22, 16, 4) + guid
    chunks = b"fmt " + struct.pack("<I", len(form)) + bytes(form) + whole[36:]
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def with_field(place: int, form: str, value: int) -> Callable[[], bytes]:
    """A wav with one number of its header changed."""

    def content() -> bytes:
        whole = bytearray(wav()())
        struct.pack_into(form, whole, place, value)
        return bytes(whole)

    return content


def not_numbers() -> bytes:
    samples = files.tone(3)
    samples[0, 9_000] = np.nan
    return files.wav_bytes(samples, kind="f32")


def video() -> bytes:
    """A small MP4 with a picture in it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as box:
        stream = box.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(4):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            box.mux(stream.encode(picture))
        box.mux(stream.encode())
    return out.getvalue()


def cut(content: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    def cut_content() -> bytes:
        whole = content()
        return whole[: int(len(whole) * share)]

    return cut_content


TYPE, BROKEN = "input_audio_type", "input_audio_broken"
SHORT, LONG = "input_audio_too_short", "input_audio_too_long"
MP3_SLACK_S = 0.08

TAKEN: dict[str, Taken] = {
    **{f"wav, {kind}": Taken(content=wav(kind=kind)) for kind in ("u8", "s16", "s24", "s32")},
    "wav, float": Taken(content=wav(kind="f32")),
    "wav, double": Taken(content=wav(kind="f64")),
    "wav, A-law": Taken(content=coded("pcm_alaw")),
    "wav, µ-law": Taken(content=coded("pcm_mulaw")),
    "wav, Microsoft ADPCM": Taken(content=coded("adpcm_ms"), slack_s=0.1),
    "wav, IMA ADPCM": Taken(content=coded("adpcm_ima_wav"), slack_s=0.1),
    "wav, 8 kHz": Taken(content=wav(rate_hz=8_000)),
    "wav, 96 kHz stereo": Taken(content=wav(rate_hz=96_000, channels=2)),
    "wav, six channels": Taken(content=wav(channels=6)),
    "wav of 30 s": Taken(content=wav(30), seconds=30),
    "wav, another program's chunk": Taken(content=chunk_between),
    "wav, extensible": Taken(content=extensible),
    "wav, RF64": Taken(content=rf64),
    "wav of unknown length": Taken(content=wav(data_bytes=2**32 - 1)),
    "mp3 with its index": Taken(content=mp3(), seconds=4, slack_s=MP3_SLACK_S),
    "mp3 without an index": Taken(
        content=mp3_as({"write_xing": "0"}, {}), seconds=4, slack_s=MP3_SLACK_S
    ),
    "mp3, variable bit rate": Taken(content=mp3_as({}, {"q": "2"}), seconds=4, slack_s=MP3_SLACK_S),
    "mp3, variable bit rate, no index": Taken(
        content=mp3_as({"write_xing": "0"}, {"q": "6"}), seconds=4, slack_s=MP3_SLACK_S
    ),
    "mp3, mono": Taken(content=mp3(channels=1), seconds=4, slack_s=MP3_SLACK_S),
    "mp3, 8 kHz": Taken(content=mp3(rate_hz=8_000, channels=1), seconds=4, slack_s=0.2),
    "mp3 of 30 s": Taken(content=mp3(30), seconds=30, slack_s=0.1),
    "mp3 with tags": Taken(content=mp3(title="☂" * 900), seconds=4, slack_s=MP3_SLACK_S),
    "mp3 after zeros": Taken(content=lambda: bytes(500) + mp3()(), seconds=4, slack_s=MP3_SLACK_S),
}

REFUSED: dict[str, Refused] = {
    "no bytes": Refused(content=lambda: b"", code=TYPE, word="an empty file"),
    "wav of 2.9 s": Refused(content=wav(2.9), code=SHORT, word="3 to 30 seconds, got 2.9"),
    "wav of 30.2 s": Refused(content=wav(30.2), code=LONG, word="more than 30 seconds"),
    "mp3 of 2.7 s": Refused(content=mp3(2.7), code=SHORT, word="3 to 30 seconds"),
    "mp3 of 30.2 s": Refused(content=mp3(30.2), code=LONG, word="more than 30 seconds"),
    "wav without sound": Refused(content=wav(0), code=SHORT, word="got 0 seconds"),
    "wav, truncated": Refused(content=cut(wav(10), 0.7), code=BROKEN, word="it declares 441000"),
    "mp3, truncated": Refused(content=cut(mp3(10), 0.5), code=BROKEN, word="declares 10 seconds"),
    "wav, samples that are no numbers": Refused(
        content=not_numbers, code=BROKEN, word="no numbers"
    ),
    "wav with aac inside": Refused(content=coded("aac"), code=TYPE, word="wav with aac inside"),
    "wav of an unknown codec": Refused(
        content=with_field(20, "<H", 0x1234), code=TYPE, word="unknown codec"
    ),
    "wav of 0 Hz": Refused(content=with_field(24, "<I", 0), code=BROKEN, word="cannot be decoded"),
    "wav of 2 GHz": Refused(content=with_field(24, "<I", 2**31 - 1), code=TYPE, word="sample rate"),
    "wav of 9 channels": Refused(content=wav(channels=9), code=TYPE, word="1 to 8 channels"),
    "wav head alone": Refused(
        content=lambda: b"RIFF\x24\0\0\0WAVE", code=BROKEN, word="cannot be decoded"
    ),
    "tags without sound": Refused(
        content=lambda: b"ID3\x04\0\0\0\0\0\x0ahello, not music at all" * 20,
        code=BROKEN,
        word="readable wav or mp3",
    ),
    "a video named .mp3": Refused(content=video, code=TYPE, word="an MP4"),
    "ogg": Refused(content=lambda: b"OggS" + bytes(400), code=TYPE, word="Ogg"),
    "flac": Refused(content=lambda: b"fLaC" + bytes(400), code=TYPE, word="FLAC"),
    "m4a": Refused(content=lambda: b"\0\0\0\x20ftypM4A " + bytes(99), code=TYPE, word="an M4A"),
    "aac": Refused(content=lambda: b"\xff\xf1\x50\x80" + bytes(400), code=TYPE, word="unknown"),
    "midi": Refused(content=lambda: b"MThd\0\0\0\x06" + bytes(99), code=TYPE, word="unknown"),
    "playlist of a local file": Refused(
        content=lambda: b"#EXTM3U\nfile:///etc/passwd\n", code=TYPE, word="text"
    ),
    "html": Refused(content=lambda: b"<html><body>404", code=TYPE, word="an HTML page"),
    "png": Refused(content=lambda: files.png_of_header(300, 300), code=TYPE, word="PNG"),
}
