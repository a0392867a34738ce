"""Files are what their first bytes say, not what their names say."""

import io

import pytest
from PIL import Image

from filmgate.domain.content_type import SNIFF_BYTES, sniff


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "bmp", "gif"])
def test_images_of_every_kind_are_told(name: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format=name)
    assert sniff(file.getvalue()[:SNIFF_BYTES]) == f"image/{name}"


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf3\x44\xc4", "audio/mpeg"),
        (b"\xff\xe3\x18\xc4", "audio/mpeg"),
    ],
)
def test_sounds_are_told(head: bytes, content_type: str) -> None:
    assert sniff(head) == content_type


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<svg xmlns=",
        b"<!doctype html>",
        b"BMW is a car maker, not a bitmap",
        b"RIFF\x24\x00\x00\x00AVI LIST",
        b"\xff\xf1\x50\x80",
        b"\xff\xff\xff\xff",
        b"\xff\xfb\x00\x00",
        b"\x00\x00\x00\x18ftypmp42",
        b"PK\x03\x04",
        b"%PDF-1.7",
        b"OggS",
        b"fLaC",
    ],
)
def test_anything_else_is_not_guessed(head: bytes) -> None:
    assert sniff(head) is None


def test_any_bytes_are_taken() -> None:
    for first in range(256):
        for second in range(256):
            sniff(bytes([first, second, 0x90, 0]))
