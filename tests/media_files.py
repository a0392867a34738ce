"""Builds pictures, sounds and footage for tests, good ones and odd ones. It asserts nothing."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from filmgate.ports.engine import SOUND_RATE_HZ, PixelFormat

RED, BLUE, GREEN = (220, 30, 30), (30, 30, 220), (30, 160, 30)

FILM_SIZES = (
    *((832, 480), (480, 832), (624, 624)),
    *((1280, 720), (720, 1280), (960, 960), (1088, 832), (832, 1088)),
    *((1920, 1080), (1080, 1920), (1440, 1440), (1632, 1248), (1248, 1632)),
)
"""Every size of the contract's table."""


# ------------------------------------------------------------------ pictures
def quartered(width_px: int, height_px: int) -> Image.Image:
    """Left half red, right half blue, with a green top quarter: shows turning and cropping."""
    picture = Image.new("RGB", (width_px, height_px), RED)
    picture.paste(BLUE, (width_px // 2, 0, width_px, height_px))
    picture.paste(GREEN, (0, 0, width_px, height_px // 4))
    return picture


def picture_bytes(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format `kind`."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif_of(orientation: int) -> Image.Exif:
    """EXIF with nothing but an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def swapped_profile() -> bytes:
    """An ICC profile whose red is sRGB's blue, and the other way round."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    places = {bytes(data[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = (
        data[blue + 4 : blue + 12],
        data[red + 4 : red + 12],
    )
    return bytes(data)


def png_of_header(width_px: int, height_px: int) -> bytes:
    """A PNG that declares this size and holds a few bytes of pixels."""
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(4096))
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*chunk) for chunk in chunks)


def webp_of_header(width_px: int, height_px: int) -> bytes:
    """An extended WebP that declares this canvas and holds nothing."""
    size = (width_px - 1).to_bytes(3, "little") + (height_px - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_of_header(width_px: int, height_px: int) -> bytes:
    """A GIF that declares this screen and holds one pixel."""
    small = picture_bytes(Image.new("P", (1, 1)), "GIF")
    return small[:6] + struct.pack("<HH", width_px, height_px) + small[10:]


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


# -------------------------------------------------------------------- sounds
def tone(seconds: float, *, rate_hz: int = 22_050, channels: int = 1) -> NDArray[np.float32]:
    """440 Hz at half of full scale, float32 [channels, n]."""
    count = round(seconds * rate_hz)
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(count) / rate_hz)
    return np.repeat(wave[np.newaxis].astype(np.float32), channels, axis=0)


def wav_bytes(
    samples: NDArray[np.float32], *, rate_hz: int = 22_050, kind: str = "s16", data_bytes: int = -1
) -> bytes:
    """A wav of [channels, n]; `kind`: u8 s16 s24 s32 f32 f64. It may declare another length."""
    flat = np.ascontiguousarray(samples.T)
    bits = int(kind[1:])
    if kind == "u8":
        data = np.rint(flat * 127 + 128).astype(np.uint8).tobytes()
    elif kind == "s24":
        wide = np.rint(flat.astype(np.float64) * (2**23 - 1)).astype("<i4")
        data = wide.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    elif kind[0] == "s":
        data = np.rint(flat.astype(np.float64) * (2 ** (bits - 1) - 1)).astype(f"<i{bits // 8}")
        data = data.tobytes()
    else:
        data = flat.astype(f"<f{bits // 8}").tobytes()
    channels = samples.shape[0]
    block = channels * bits // 8
    code = 3 if kind[0] == "f" else 1
    form = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * block, block, bits)
    declared = len(data) if data_bytes < 0 else data_bytes
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", declared)
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, declared + 36)) + b"WAVE" + chunks + data


def coded_bytes(
    samples: NDArray[np.float32], *, rate_hz: int, codec: str, container: str, **tags: str
) -> bytes:
    """The sound through one of PyAV's encoders, for instance libmp3lame in mp3, adpcm_ms in wav."""
    out = io.BytesIO()
    layout = "mono" if samples.shape[0] == 1 else "stereo"
    with av.open(out, "w", format=container) as box:
        box.metadata.update(tags)
        stream = box.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return out.getvalue()


def mp3_bytes(seconds: float, *, rate_hz: int = 44_100, channels: int = 2, **tags: str) -> bytes:
    """An mp3 of the tone."""
    samples = tone(seconds, rate_hz=rate_hz, channels=channels)
    return coded_bytes(samples, rate_hz=rate_hz, codec="libmp3lame", container="mp3", **tags)


# ------------------------------------------------------------------- footage
@dataclass(kw_only=True)
class PaintedFootage:
    """A bar that runs over a shaded ground, and a tone: an engine's answer, made of arithmetic."""

    width_px: int
    height_px: int
    frame_count: int
    pixel_format: PixelFormat = PixelFormat.YUV420P
    track: NDArray[np.float32] | None = None
    frames_given: int = 0

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """One array, painted again and again: who keeps a frame sees it change."""
        width, height = self.width_px, self.height_px
        if self.pixel_format is PixelFormat.RGB24:
            frame = np.zeros((height, width, 3), np.uint8)
            frame[:] = RED
            frame[:, width // 2 :] = BLUE
        else:
            frame = np.full((height * 3 // 2, width), 128, np.uint8)
            frame[:height] = np.linspace(40, 200, width).astype(np.uint8)
        ground = frame[:height].copy()
        for number in range(self.frame_count):
            frame[:height] = ground
            left = number * (width - 32) // max(1, self.frame_count - 1)
            frame[:height, left : left + 32] = 235
            self.frames_given += 1
            yield frame

    def sound(self) -> NDArray[np.float32] | None:
        return self.track


def plain_frame(width_px: int, height_px: int, luma: int) -> NDArray[np.uint8]:
    """A YUV420P frame of one grey, uint8 [height * 3 / 2, width]."""
    frame = np.full((height_px * 3 // 2, width_px), 128, np.uint8)
    frame[:height_px] = luma
    return frame


def decoded_sound(film: Path) -> NDArray[np.float32]:
    """All samples a film presents, float32 [2, n]; priming is skipped, padding is not."""
    with av.open(str(film)) as box:
        parts = [frame.to_ndarray() for frame in box.decode(audio=0)]
    return np.concatenate(parts, axis=1)


def decoded_frames(film: Path) -> Iterator[NDArray[np.uint8]]:
    """All frames of a film as uint8 [height * 3 / 2, width]."""
    with av.open(str(film)) as box:
        for frame in box.decode(video=0):
            yield frame.to_ndarray(format="yuv420p")


def sound_of(seconds: int) -> NDArray[np.float32]:
    """A tone of exactly that length at 48 kHz in stereo."""
    return tone(seconds, rate_hz=SOUND_RATE_HZ, channels=2)
