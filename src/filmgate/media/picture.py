"""Decodes a caller's picture and prepares it for a film. It never stretches one.

    bytes -> kind -> sides by the header -> pixels -> upright, covered, cropped -> sRGB -> PNG

A file is told by its first bytes; its sides are read from the header and judged before a pixel is
decoded. Only the first frame of an animation is looked at.
"""

# Pillow's colour profiles are not typed.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, ImageCms

from filmgate.domain.content_type import SNIFF_BYTES, described, sniff
from filmgate.domain.errors import InputRejected
from filmgate.media.cover import cover_box
from filmgate.ports.studio import PictureFacts

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SIDE_MIN_PX, SIDE_MAX_PX = 240, 8000
WHITE = (255, 255, 255)
"""What shows through transparent pixels, as on paper and on most pages."""

BROKEN_FILE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise for bytes that are not what their header says."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.32, tag 0x0112 Orientation."""
PILLOW_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/gif": "GIF",
}
"""The content types that are taken, and Pillow's names for them."""
SIDEWAYS = frozenset({5, 6, 7, 8})
PROFILE_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
"""Colour spaces of ICC.1:2022, table 19, at byte 16 of a profile."""


def inspect_picture(path: Path, *, param: str) -> PictureFacts:
    """Decode a picture and give its upright size.

    The rule: JPEG, PNG, WebP, BMP or GIF (first frame), each side 240 to 8000 px.

    Raises InputRejected: input_image_type, input_image_broken, input_image_too_small,
    input_image_too_large.
    """
    with _opened(path, param) as (picture, kind):
        width, height = picture.size
        if _orientation(picture) in SIDEWAYS:
            width, height = height, width
        # JPEG: an eighth of the size is quick, and still reads every byte of the file.
        picture.draft(None, (1, 1))
        picture.load()
    return PictureFacts(width_px=width, height_px=height, content_type=kind)


def prepare_picture(
    source: Path, target: Path, *, width_px: int, height_px: int, param: str
) -> None:
    """Write `target` as PNG: 8-bit sRGB, exactly that size, the middle of the upright picture.

    ICC profiles are applied, transparency lies on white. Raises InputRejected as `inspect_picture`.
    """
    with _opened(source, param) as (picture, _):
        orientation = _orientation(picture)
        wanted = (height_px, width_px) if orientation in SIDEWAYS else (width_px, height_px)
        profile = picture.info.get("icc_profile")
        # JPEG: decoded at a half, a quarter or an eighth, if twice the wanted size remains.
        picture.draft(None, (2 * wanted[0], 2 * wanted[1]))
        picture.load()
        box = cover_box(
            picture.width, picture.height, target_width_px=wanted[0], target_height_px=wanted[1]
        )
        small = _plain(picture).resize(wanted, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
        if orientation in UPRIGHT:
            small = small.transpose(UPRIGHT[orientation])
        prepared = _flat_srgb(small, profile)
    # Pillow would carry the caller's profile and transparency over into the file.
    prepared.info.clear()
    prepared.save(target, format="PNG", compress_level=1)


@contextmanager
def _opened(path: Path, param: str) -> Generator[tuple[Image.Image, str]]:
    """Open a picture of an allowed kind and size. What Pillow raises inside means a broken file."""
    content = path.read_bytes()
    kind = sniff(content[:SNIFF_BYTES])
    if kind is None or kind not in PILLOW_FORMATS:
        raise _rejected(
            param, "type", f"must be a JPEG, PNG, WebP, BMP or GIF, got {described(content[:4096])}"
        )
    if kind == "image/webp":
        # libwebp takes its memory when the file is opened.
        _require_not_too_large(_webp_canvas(content), param)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[PILLOW_FORMATS[kind]]) as picture:
                _require_sides(picture.size, param)
                if kind != "image/jpeg":
                    # Asked for its orientation, a PNG would load itself and hide what broke.
                    picture.load()
                yield picture, kind
    except Image.DecompressionBombError as error:
        raise _rejected(
            param, "too_large", f"must have sides of at most {SIDE_MAX_PX} px, got far more"
        ) from error
    except BROKEN_FILE_ERRORS as error:
        raise _rejected(
            param, "broken", f"must be a whole, readable picture: this {kind} cannot be decoded"
        ) from error


def _require_sides(size: tuple[int, int], param: str) -> None:
    _require_not_too_large(size, param)
    if min(size) < SIDE_MIN_PX:
        raise _rejected(param, "too_small", _sides_rule(size))


def _require_not_too_large(size: tuple[int, int], param: str) -> None:
    if max(size) > SIDE_MAX_PX:
        raise _rejected(param, "too_large", _sides_rule(size))


def _sides_rule(size: tuple[int, int]) -> str:
    return f"must have sides of {SIDE_MIN_PX} to {SIDE_MAX_PX} px, got {size[0]} x {size[1]}"


def _rejected(param: str, code: str, rule: str) -> InputRejected:
    return InputRejected(f"{param} {rule}", reason=f"input_image_{code}", param=param)


def _webp_canvas(content: bytes) -> tuple[int, int]:
    """Give the size a WebP declares, (0, 0) if it cannot be told (RFC 9649, section 2)."""
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        return 0, 0
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN_FILE_ERRORS:
        return 1  # The picture itself may be fine.
    return orientation if isinstance(orientation, int) else 1


def _plain(picture: Image.Image) -> Image.Image:
    """Give the first frame as L, RGB, CMYK or RGBA with 8 bits a channel, in its own colours."""
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.float64)
        return Image.fromarray(np.clip(np.rint(deep / 257), 0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in {"L", "RGB", "CMYK"}:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _flat_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    colours = _in_srgb(colours, profile)
    if alpha is None:
        return colours
    paper = Image.new("RGB", picture.size, WHITE)
    paper.paste(colours, mask=alpha)
    return paper


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert by the ICC profile. Without one that can be read, the colours are taken for sRGB."""
    converted: Image.Image | None = None
    if profile:
        mode = PROFILE_MODES.get(profile[16:20], picture.mode)
        try:
            converted = ImageCms.profileToProfile(
                picture if picture.mode == mode else picture.convert(mode),
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
    return converted or picture.convert("RGB")
