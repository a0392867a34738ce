"""Pictures that callers may send, good, odd and hostile, each with its expected answer. It asserts
nothing.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

import media_files as files

WIDTH_PX, HEIGHT_PX = 400, 300
TURNED = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}
"""How an upright picture is stored under each EXIF orientation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture that is taken: its upright size, and what must be seen in it."""

    content: Callable[[], bytes]
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)
    is_quartered: bool = True
    name: str = "picture.bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A picture that is refused: the code, and a word of the message."""

    content: Callable[[], bytes]
    code: str
    word: str
    name: str = "picture.jpg"


def drawn(kind: str, mode: str = "RGB", **options) -> Callable[[], bytes]:
    """The quartered picture, in a mode, as a file."""

    def content() -> bytes:
        picture = files.quartered(WIDTH_PX, HEIGHT_PX)
        if mode == "P":
            picture = picture.quantize(8)
        elif mode != "RGB":
            picture = picture.convert(mode)
        return files.picture_bytes(picture, kind, **options)

    return content


def plain(width_px: int, height_px: int, kind: str = "PNG") -> Callable[[], bytes]:
    return lambda: files.picture_bytes(Image.new("L", (width_px, height_px), 90), kind)


def animated(kind: str) -> Callable[[], bytes]:
    """The quartered picture first, then two black ones."""

    def content() -> bytes:
        later = Image.new("RGB", (WIDTH_PX, HEIGHT_PX))
        first = files.quartered(WIDTH_PX, HEIGHT_PX)
        return files.picture_bytes(
            first, kind, save_all=True, append_images=[later, later], duration=100
        )

    return content


def turned(orientation: int, kind: str) -> Callable[[], bytes]:
    def content() -> bytes:
        picture = files.quartered(WIDTH_PX, HEIGHT_PX)
        for step in TURNED[orientation]:
            picture = picture.transpose(step)
        return files.picture_bytes(picture, kind, exif=files.exif_of(orientation), quality=95)

    return content


def deep_png(colour_type: int) -> Callable[[], bytes]:
    """The quartered picture with 16 bits a channel, as grey (0) or RGB (2)."""

    def content() -> bytes:
        pixels = np.asarray(files.quartered(WIDTH_PX, HEIGHT_PX))
        if colour_type == 0:
            pixels = pixels[..., 1]
        wide = (pixels.astype(">u2") * 257).reshape(HEIGHT_PX, -1)
        rows = b"".join(b"\0" + row.tobytes() for row in wide.astype(">u2"))
        return png((WIDTH_PX, HEIGHT_PX), 16, colour_type, zlib.compress(rows))

    return content


def png(
    size: tuple[int, int], bits: int, colour_type: int, data: bytes, more: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + more
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def text_bomb() -> bytes:
    """A PNG whose compressed comment is 64 MB of spaces."""
    comment = b"Comment\0\0" + zlib.compress(b" " * 2**26)
    rows = zlib.compress(b"\0" * (WIDTH_PX + 1) * HEIGHT_PX)
    return png((WIDTH_PX, HEIGHT_PX), 8, 0, rows, png_chunk(b"zTXt", comment))


def with_text() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "a note", zip=True)
    return drawn("PNG", pnginfo=notes)()


def palette_with_hole() -> bytes:
    picture = files.quartered(WIDTH_PX, HEIGHT_PX).quantize(8)
    return files.picture_bytes(picture, "PNG", transparency=255)


def noisy(kind: str, share: float) -> Callable[[], bytes]:
    """A noisy picture, cut off at this share of its file."""

    def content() -> bytes:
        noise = np.random.default_rng(3).integers(0, 255, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        whole = files.picture_bytes(Image.fromarray(noise), kind)
        return whole[: int(len(whole) * share)]

    return content


def broken_check() -> bytes:
    content = bytearray(drawn("PNG")())
    place = content.index(b"IDAT") + 8
    content[place : place + 8] = b"\xff" * 8
    return bytes(content)


def sideways_profile() -> bytes:
    return files.picture_bytes(
        Image.new("RGB", (WIDTH_PX, HEIGHT_PX), files.RED),
        "PNG",
        icc_profile=files.swapped_profile(),
    )


def grey_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return drawn("JPEG", "L", icc_profile=profile)()


def many_pictures() -> bytes:
    """A GIF of 2,000 frames in a few kilobytes."""
    frames = [Image.new("P", (240, 240), colour % 2) for colour in range(2_000)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=20)
    return out.getvalue()


def text(said: str) -> Callable[[], bytes]:
    return lambda: said.encode()


def after(mark: bytes, count: int = 200) -> Callable[[], bytes]:
    return lambda: mark + bytes(count)


TYPE, BROKEN = "input_image_type", "input_image_broken"
SMALL, LARGE = "input_image_too_small", "input_image_too_large"
SVG = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

TAKEN: dict[str, Taken] = {
    "jpeg": Taken(content=drawn("JPEG", quality=95)),
    "jpeg, progressive": Taken(content=drawn("JPEG", quality=95, progressive=True)),
    "jpeg, grey": Taken(content=drawn("JPEG", "L"), is_quartered=False),
    "jpeg, CMYK": Taken(content=drawn("JPEG", "CMYK", quality=95)),
    "jpeg with rubbish behind": Taken(content=lambda: drawn("JPEG", quality=95)() + bytes(5000)),
    "jpeg named .png": Taken(content=drawn("JPEG", quality=95), name="picture.png"),
    "jpeg of several": Taken(content=animated("MPO")),
    "png": Taken(content=drawn("PNG")),
    "png named .txt": Taken(content=drawn("PNG"), name="notes.txt"),
    "png, 1 bit": Taken(content=drawn("PNG", "1"), is_quartered=False),
    "png, palette": Taken(content=drawn("PNG", "P")),
    "png, palette and a hole": Taken(content=palette_with_hole),
    "png, grey and alpha": Taken(content=drawn("PNG", "LA"), is_quartered=False),
    "png, alpha": Taken(content=drawn("PNG", "RGBA")),
    "png, 16 bit grey": Taken(content=deep_png(0), is_quartered=False),
    "png, 16 bit colour": Taken(content=deep_png(2)),
    "png with a note": Taken(content=with_text),
    "png, animated": Taken(content=animated("PNG")),
    "png, colour profile": Taken(content=sideways_profile, is_quartered=False),
    "jpeg, profile of another space": Taken(content=grey_profile, is_quartered=False),
    "webp": Taken(content=drawn("WEBP", quality=95)),
    "webp, lossless": Taken(content=drawn("WEBP", lossless=True)),
    "webp, alpha": Taken(content=drawn("WEBP", "RGBA", lossless=True)),
    "webp, animated": Taken(content=animated("WEBP")),
    "bmp": Taken(content=drawn("BMP")),
    "bmp, palette": Taken(content=drawn("BMP", "P")),
    "gif": Taken(content=drawn("GIF")),
    "gif, animated": Taken(content=animated("GIF")),
    "gif of 2,000 frames": Taken(content=many_pictures, size=(240, 240), is_quartered=False),
    "240 px": Taken(content=plain(240, 240), size=(240, 240), is_quartered=False),
    "8000 px": Taken(content=plain(8000, 240), size=(8000, 240), is_quartered=False),
    **{
        f"jpeg, EXIF orientation {number}": Taken(content=turned(number, "JPEG"))
        for number in TURNED
    },
    "webp, EXIF orientation 6": Taken(content=turned(6, "WEBP")),
    "png, EXIF orientation 8": Taken(content=turned(8, "PNG")),
}

REFUSED: dict[str, Refused] = {
    "no bytes": Refused(content=lambda: b"", code=TYPE, word="an empty file"),
    "239 px": Refused(content=plain(239, 400), code=SMALL, word="got 239 x 400"),
    "8001 px": Refused(content=plain(8001, 240), code=LARGE, word="got 8001 x 240"),
    "one pixel": Refused(content=plain(1, 1), code=SMALL, word="got 1 x 1"),
    "png bomb": Refused(
        content=lambda: files.png_of_header(60_000, 60_000), code=LARGE, word="8000 px"
    ),
    "png bomb within the sides": Refused(
        content=lambda: files.png_of_header(8_000, 8_000), code=BROKEN, word="cannot be decoded"
    ),
    "gif bomb": Refused(
        content=lambda: files.gif_of_header(65_535, 65_535), code=LARGE, word="8000 px"
    ),
    "webp bomb": Refused(
        content=lambda: files.webp_of_header(16_383, 16_383), code=LARGE, word="16383"
    ),
    "png with a text bomb": Refused(content=text_bomb, code=BROKEN, word="cannot be decoded"),
    **{
        f"{kind.lower()}, truncated": Refused(
            content=noisy(kind, 0.5), code=BROKEN, word="whole, readable picture"
        )
        for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF")
    },
    "jpeg, header only": Refused(
        content=after(b"\xff\xd8\xff\xe0"), code=BROKEN, word="image/jpeg"
    ),
    "png, broken data": Refused(content=broken_check, code=BROKEN, word="image/png"),
    "png head, jpeg behind": Refused(
        content=lambda: b"\x89PNG\r\n\x1a\n" + drawn("JPEG")(), code=BROKEN, word="image/png"
    ),
    "script that begins as a gif": Refused(
        content=text("GIF89a=1;alert(document.cookie)//"), code=BROKEN, word="image/gif"
    ),
    "html": Refused(content=text("<!DOCTYPE html><html>"), code=TYPE, word="an HTML page"),
    "svg": Refused(content=text(SVG), code=TYPE, word="SVG"),
    "pdf": Refused(content=text("%PDF-1.7\n1 0 obj"), code=TYPE, word="PDF"),
    "postscript": Refused(content=text("%!PS-Adobe-3.0 EPSF-3.0"), code=TYPE, word="text"),
    "zip": Refused(content=after(b"PK\x03\x04"), code=TYPE, word="a ZIP archive"),
    "gzip": Refused(content=after(b"\x1f\x8b\x08"), code=TYPE, word="a gzip archive"),
    "heic": Refused(content=after(b"\0\0\0\x1cftypheic"), code=TYPE, word="HEIC"),
    "avif": Refused(content=after(b"\0\0\0\x1cftypavif"), code=TYPE, word="AVIF"),
    "mp4": Refused(content=after(b"\0\0\0\x20ftypisom"), code=TYPE, word="an MP4"),
    "tiff": Refused(content=drawn("TIFF"), code=TYPE, word="TIFF"),
    "jpeg xl": Refused(content=after(b"\xff\x0a"), code=TYPE, word="JPEG XL"),
    "jpeg 2000": Refused(content=after(b"\0\0\0\x0cjP  "), code=TYPE, word="unknown"),
    "icon": Refused(content=drawn("ICO"), code=TYPE, word="unknown bytes"),
    "wav": Refused(content=lambda: files.wav_bytes(files.tone(0.1)), code=TYPE, word="WAV"),
    "json": Refused(content=text('{"error": "not found"}'), code=TYPE, word="JSON"),
    "words": Refused(content=text("BMW is a car"), code=TYPE, word="text"),
    "a program": Refused(content=after(b"\x7fELF\x02"), code=TYPE, word="a program"),
}
