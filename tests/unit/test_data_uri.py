"""Files that come inside the request."""

import base64

import pytest

from filmgate.domain.data_uri import is_data_uri, parse_data_uri
from filmgate.domain.errors import InvalidFields

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
BASE64 = base64.b64encode(PNG).decode()


def parse(text: str, **options) -> tuple[str, bytes]:
    return parse_data_uri(text, param="image_urls", **{"size_bytes_max": 1000, **options})


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (f"data:image/png;base64,{BASE64}", "image/png"),
        (f"DATA:Image/PNG;BASE64,{BASE64}", "image/png"),
        (f"data:image/svg+xml;base64,{BASE64}", "image/svg+xml"),
        (f"data:image/png;name=a.png;base64,{BASE64}", "image/png"),
        (f"data:image/png;base64,\r\n{BASE64[:76]}\r\n {BASE64[76:]}\n\t", "image/png"),
    ],
)
def test_a_data_uri_gives_its_type_and_bytes(text: str, content_type: str) -> None:
    assert is_data_uri(text)
    assert parse(text) == (content_type, PNG)


@pytest.mark.parametrize(
    "text",
    [
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64, \n",
        f"data:image/png,{BASE64}",
        f"data:;base64,{BASE64}",
        f"data:image;base64,{BASE64}",
        f"data:text/html;base64,{BASE64}",
        f"data:audio/wav;base64,{BASE64}",
        f"data:image/png;base64;{BASE64}",
        f"data:image/png;{'a' * 300}=b;base64,{BASE64}",
        "data:image/png;base64,AAA",
        "data:image/png;base64,AA",
        "data:image/png;base64,AAAA=",
        "data:image/png;base64,AA==AAAA",
        "data:image/png;base64,!!!!AAAA",
        "data:image/png;base64,=AAA",
        "data:image/png;base64,AB==",
        "data:image/png;base64,AAB=",
        "data:image/png;base64,-_AA",
        "data:image/png;base64,%41AAA",
        "data:image/png;base64,ÄAAA",
        "data:image/png;base64,AA\u00a0AA",
        "data:image/png;base64,AA\x00AA",
        "http://example.com/",
    ],
)
def test_anything_else_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        parse(text)
    assert caught.value.broken[0].param == "image_urls"
    assert caught.value.message.startswith("image_urls must be a data URI ")


def test_the_kind_is_the_callers_to_choose() -> None:
    assert parse("data:audio/wav;base64,AAAA", kinds=("audio",)) == ("audio/wav", bytes(3))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_limit_is_exact(size: int) -> None:
    text = "data:image/png;base64," + base64.b64encode(bytes(size)).decode()
    assert parse(text, size_bytes_max=size)[1] == bytes(size)
    with pytest.raises(InvalidFields, match=f"at most {size - 1} bytes"):
        parse(text, size_bytes_max=size - 1)


def test_line_breaks_do_not_count_as_size() -> None:
    text = "data:image/png;base64," + "\n".join("AAAA" for _ in range(100))
    assert len(parse(text, size_bytes_max=300)[1]) == 300


def test_a_text_that_is_too_long_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidFields, match="at most 1000 bytes"):
        parse("data:image/png;base64," + "!" * 10_000)
