"""Callers' pictures: which are taken, and how they arrive at the engine."""

from __future__ import annotations

import io
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import media_files as files
from filmgate.domain.errors import InputRejected
from filmgate.media.picture import inspect_picture, prepare_picture

KINDS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}


@pytest.fixture
def at(tmp_path: Path):
    def write(content: bytes, name: str = "picture.bin") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def rejected(path: Path) -> InputRejected:
    with pytest.raises(InputRejected) as by_inspecting:
        inspect_picture(path, param="image_urls")
    with pytest.raises(InputRejected) as by_preparing:
        prepare_picture(path, path.with_name("out"), width_px=832, height_px=480, param="p")
    assert by_preparing.value.reason == by_inspecting.value.reason
    assert not path.with_name("out").exists()
    assert by_inspecting.value.param == "image_urls"
    assert by_inspecting.value.message.startswith("image_urls must ")
    return by_inspecting.value


def prepared(path: Path, width_px: int = 400, height_px: int = 300) -> np.ndarray:
    target = path.with_name("prepared")
    prepare_picture(path, target, width_px=width_px, height_px=height_px, param="image_urls")
    with Image.open(target) as picture:
        assert picture.mode == "RGB"
        assert picture.size == (width_px, height_px)
        assert "icc_profile" not in picture.info
        return np.asarray(picture).astype(int)


def assert_quartered(pixels: np.ndarray, tolerance: int = 12) -> None:
    height, width = pixels.shape[:2]
    for row, column, colour in (
        (height // 10, width // 5, files.GREEN),
        (height // 10, width * 4 // 5, files.GREEN),
        (height * 9 // 10, width // 5, files.RED),
        (height * 9 // 10, width * 4 // 5, files.BLUE),
    ):
        assert np.abs(pixels[row, column] - colour).max() <= tolerance, (row, column)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_by_its_content_whatever_its_name(at, kind):
    path = at(files.picture_bytes(files.quartered(640, 360), kind), "photo.txt")
    facts = inspect_picture(path, param="image_urls")
    assert (facts.width_px, facts.height_px) == (640, 360)
    assert facts.content_type == KINDS[kind]
    assert_quartered(prepared(path, 640, 360))


UPRIGHT_TO_STORED = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


@pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_stands_upright(at, kind, orientation):
    stored = files.quartered(600, 300)
    for step in UPRIGHT_TO_STORED[orientation]:
        stored = stored.transpose(step)
    path = at(files.picture_bytes(stored, kind, exif=files.exif_of(orientation)))
    facts = inspect_picture(path, param="image_urls")
    assert (facts.width_px, facts.height_px) == (600, 300)
    assert_quartered(prepared(path, 300, 150))


def test_a_meaningless_orientation_is_ignored(at):
    path = at(files.picture_bytes(files.quartered(600, 300), "JPEG", exif=files.exif_of(99)))
    assert inspect_picture(path, param="image_urls").width_px == 600


@pytest.mark.parametrize(
    ("size", "target"),
    [
        ((900, 300), (300, 300)),
        ((300, 900), (300, 300)),
        ((4000, 900), (300, 260)),
        ((1600, 400), (1098, 364)),
    ],
)
def test_a_picture_is_cropped_in_its_middle_and_never_stretched(at, size, target):
    picture = Image.new("RGB", size, (0, 0, 0))
    radius = min(size) // 3
    x, y = np.meshgrid(
        np.arange(size[0]) - size[0] / 2 + 0.5, np.arange(size[1]) - size[1] / 2 + 0.5
    )
    disc = Image.fromarray(((x**2 + y**2 < radius**2) * 255).astype(np.uint8))
    picture.paste((255, 255, 255), mask=disc)
    lit = prepared(at(files.picture_bytes(picture, "PNG")), *target)[..., 1] > 127
    across, down = lit.any(axis=0).nonzero()[0], lit.any(axis=1).nonzero()[0]
    assert abs(len(across) - len(down)) <= 1
    assert abs(across.mean() - (target[0] - 1) / 2) <= 1
    assert abs(down.mean() - (target[1] - 1) / 2) <= 1
    scale = max(target[0] / size[0], target[1] / size[1])
    assert len(across) == pytest.approx(2 * radius * scale, abs=2)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_lie_on_white(at, kind):
    picture = files.quartered(400, 300).convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    assert prepared(at(files.picture_bytes(picture, kind))).min() >= 254
    picture.putalpha(Image.new("L", picture.size, 128))
    pixels = prepared(at(files.picture_bytes(picture, kind, lossless=True)))
    assert np.abs(pixels[280, 50] - (np.array(files.RED) + 255) / 2).max() <= 2


def test_transparent_palettes_and_greys_lie_on_white(at):
    palette = files.quartered(400, 300).quantize(8)
    index = palette.getpixel((50, 280))
    pixels = prepared(at(files.picture_bytes(palette, "GIF", transparency=index)))
    assert pixels[280, 50].min() == 255
    assert np.abs(pixels[280, 350] - files.BLUE).max() <= 2
    grey = Image.merge("LA", (Image.new("L", (400, 300), 0), Image.new("L", (400, 300), 0)))
    assert prepared(at(files.picture_bytes(grey, "PNG"))).min() == 255


def test_sixteen_bit_grey_keeps_its_shades(at):
    ramp = np.tile(np.linspace(0, 65535, 512).astype(np.uint16), (300, 1))
    pixels = prepared(at(files.picture_bytes(Image.fromarray(ramp), "PNG")), 512, 300)
    assert np.abs(pixels[150, :, 0] - np.linspace(0, 255, 512)).max() <= 2
    assert np.ptp(pixels, axis=2).max() == 0


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_few_bits_become_colours(at, mode):
    picture = Image.new("L", (400, 300), 0)
    picture.paste(255, (200, 0, 400, 300))
    pixels = prepared(at(files.picture_bytes(picture.convert(mode), "PNG")))
    assert pixels[150, 50].tolist() == [0, 0, 0]
    assert pixels[150, 350].tolist() == [255, 255, 255]


def test_cmyk_becomes_rgb(at):
    path = at(files.picture_bytes(files.quartered(400, 300).convert("CMYK"), "JPEG", quality=95))
    assert_quartered(prepared(path))


def test_a_colour_profile_is_applied(at):
    content = files.picture_bytes(
        files.quartered(400, 300), "PNG", icc_profile=files.swapped_profile()
    )
    pixels = prepared(at(content))
    assert np.abs(pixels[280, 50] - files.BLUE).max() <= 12
    assert np.abs(pixels[280, 350] - files.RED).max() <= 12


def test_a_profile_that_is_rubbish_is_ignored(at):
    content = files.picture_bytes(files.quartered(400, 300), "PNG", icc_profile=b"rubbish" * 40)
    assert_quartered(prepared(at(content)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(at, kind):
    later = Image.new("RGB", (400, 300), (0, 0, 0))
    content = files.picture_bytes(
        files.quartered(400, 300), kind, save_all=True, append_images=[later, later]
    )
    assert_quartered(prepared(at(content)))


def test_a_jpeg_of_several_pictures_counts_as_its_first(at):
    later = Image.new("RGB", (400, 300), (0, 0, 0))
    content = files.picture_bytes(
        files.quartered(400, 300), "MPO", save_all=True, append_images=[later]
    )
    assert inspect_picture(at(content), param="image_urls").content_type == "image/jpeg"
    assert_quartered(prepared(at(content)))


@pytest.mark.parametrize("size", [(239, 600), (600, 239), (1, 1)])
def test_small_pictures_are_refused_with_their_size(at, size):
    error = rejected(at(files.picture_bytes(Image.new("RGB", size), "PNG")))
    assert error.reason == "input_image_too_small"
    assert error.message == (
        f"image_urls must have sides of 240 to 8000 px, got {size[0]} x {size[1]}"
    )


def test_both_ends_of_the_range_belong_to_it(at):
    path = at(files.picture_bytes(Image.new("L", (8000, 240)), "PNG"))
    assert inspect_picture(path, param="image_urls").width_px == 8000
    path = at(files.picture_bytes(Image.new("L", (240, 8001)), "PNG"))
    assert rejected(path).reason == "input_image_too_large"


@pytest.mark.parametrize(
    "content",
    [
        files.png_of_header(60_000, 60_000),
        files.png_of_header(12_000, 12_000),
        files.png_of_header(8_001, 300),
        files.gif_of_header(65_535, 65_535),
        files.webp_of_header(16_000_000, 200),
        files.webp_of_header(16_383, 16_383),
    ],
)
def test_a_bomb_is_refused_by_its_header(at, content):
    error = rejected(at(content))
    assert error.reason == "input_image_too_large"
    assert "8000 px" in error.message


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on address space")
def test_a_bomb_is_refused_before_it_takes_memory(at):
    path = at(files.webp_of_header(16_383, 16_383))
    used_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes + 2**28, hard))
    try:
        with pytest.raises(InputRejected, match="got 16383 x 16383"):
            inspect_picture(path, param="image_urls")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(at, kind, share):
    noise = np.random.default_rng(3).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    content = files.picture_bytes(Image.fromarray(noise), kind)
    assert rejected(at(content[: int(len(content) * share)])).reason == "input_image_broken"


@pytest.mark.parametrize(
    "content",
    [
        files.png_of_header(300, 300),
        files.webp_of_header(300, 300),
        files.gif_of_header(300, 300)[:20],
        b"\xff\xd8\xff\xe0" + bytes(600),
        b"\x89PNG\r\n\x1a\n" + b"IHDR" * 30,
        b"RIFF\x10\x00\x00\x00WEBPVP8 ",
        b"RIFF\x10\x00\x00\x00WEBPVP8L" + b"\xff" * 40,
        b"GIF89a",
        b"BM" + bytes(12) + b"\x28\x00\x00\x00" + b"\x40\x01\x00\x00" * 2 + b"\xff" * 28,
    ],
)
def test_files_that_are_not_what_their_header_says_are_refused(at, content):
    assert rejected(at(content)).reason.startswith("input_image_")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"  <html><head>", "an HTML page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"%PDF-1.7\n", "PDF"),
        (b"hello", "text"),
        (b"BMW is a car, not a picture", "text"),
        (b'{"error": "not found"}', "JSON or text"),
        (b"II*\x00" + bytes(100), "TIFF"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(100), "AVIF"),
        (b"\x00\x00\x00\x1cftypheic" + bytes(100), "HEIC"),
        (files.wav_bytes(files.tone(0.1)), "WAV"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "text"),
    ],
)
def test_other_kinds_are_refused_and_named(at, content, got):
    error = rejected(at(content, "photo.jpg"))
    assert error.reason == "input_image_type"
    assert error.message == f"image_urls must be a JPEG, PNG, WebP, BMP or GIF, got {got}"


def test_flipped_bytes_never_raise_anything_else(at):
    noise = np.random.default_rng(5)
    for kind in KINDS:
        whole = files.picture_bytes(files.quartered(260, 250), kind, exif=files.exif_of(6))
        for _ in range(60):
            content = bytearray(whole)
            for place in noise.integers(6, len(content), 8):
                content[place] = noise.integers(0, 256)
            path = at(bytes(content))
            try:
                inspect_picture(path, param="image_urls")
                prepared(path, 64, 64)
            except InputRejected as error:
                assert error.reason.startswith("input_image_")


def test_a_target_that_cannot_be_written_is_not_blamed_on_the_picture(at, tmp_path):
    path = at(files.picture_bytes(files.quartered(400, 300), "PNG"))
    with pytest.raises(OSError, match="No such file"):
        prepare_picture(path, tmp_path / "none" / "x", width_px=64, height_px=64, param="p")


def test_a_missing_file_is_not_a_broken_picture(tmp_path):
    with pytest.raises(FileNotFoundError):
        inspect_picture(tmp_path / "none", param="image_urls")


def test_a_prepared_picture_is_png(at):
    path = at(files.picture_bytes(files.quartered(400, 300), "JPEG"))
    prepared(path)
    assert Image.open(io.BytesIO(path.with_name("prepared").read_bytes())).format == "PNG"
