"""The page of POST /v1/videos/generations, sentence by sentence, at the model and the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from filmgate.catalogue import load_models
from filmgate.domain.errors import InvalidFields
from filmgate.domain.generation import Generation
from filmgate.gateway.answers import encoded, error_envelope
from filmgate.gateway.strict_json import parse_json
from filmgate.gateway.wire import Submitted, SubmittedEnvelope
from filmgate.service.submit_task import find_model

MODELS = load_models()
WAN = MODELS["wan2.5-preview"]
MODEL: dict[str, Any] = {"model": "wan2.5-preview"}
CAT = "https://example.com/cat.jpg"
TEXT = MODEL | {"prompt": "p"}
IMAGE = MODEL | {"image_urls": [CAT]}
DRAWN = 424242


def accepted(body: dict[str, Any]) -> Generation:
    """The body as it comes off the wire, through the model's rules."""
    read = parse_json(json.dumps(body).encode())
    return find_model(read, MODELS).accept(read, draw_seed=lambda: DRAWN)


def refused(body: dict[str, Any]) -> dict[str, Any]:
    """The error that the body is answered with."""
    with pytest.raises(InvalidFields) as caught:
        accepted(body)
    return json.loads(encoded(error_envelope(caught.value)))["error"]


# ---------------------------------------------------------------- the five use cases


def test_case_1_text_to_video_simple() -> None:
    got = accepted(MODEL | {"prompt": "Sunset coastal highway, cinematic shot"})
    assert got == Generation(
        model="wan2.5-preview",
        prompt="Sunset coastal highway, cinematic shot",
        negative_prompt="",
        resolution="720p",
        size="16:9",
        duration_s=5,
        seed=DRAWN,
        may_rewrite_prompt=True,
        has_watermark=False,
        image=None,
        audio=None,
        language="en",
    )


def test_case_2_text_to_video_full_parameters() -> None:
    got = accepted(
        MODEL
        | {
            "prompt": "City night scene, neon lights and rain-soaked streets",
            "negative_prompt": "blurry, low quality, distorted",
            "size": "16:9",
            "resolution": "720p",
            "duration": 5,
            "seed": 12345,
            "prompt_extend": True,
            "audio": True,
            "watermark": False,
        }
    )
    assert got.prompt == "City night scene, neon lights and rain-soaked streets"
    assert got.negative_prompt == "blurry, low quality, distorted"
    assert (got.size, got.resolution, got.duration_s, got.seed) == ("16:9", "720p", 5, 12345)
    assert got.may_rewrite_prompt
    assert not got.has_watermark


def test_case_3_image_to_video() -> None:
    got = accepted(
        MODEL
        | {
            "prompt": "Cat running on the grass",
            "image_urls": [CAT],
            "resolution": "480p",
            "duration": 5,
        }
    )
    assert got.is_image_to_video
    assert (got.image, got.size, got.resolution) == (CAT, None, "480p")


def test_case_4_image_to_video_base64_image() -> None:
    uri = "data:image/png;base64,iVBORw0KGgo..."
    got = accepted(
        MODEL | {"prompt": "Make the cat stand up and walk", "image_urls": [uri], "duration": 5}
    )
    assert got.is_image_to_video
    assert got.image == uri


def test_case_5_custom_audio() -> None:
    got = accepted(
        MODEL
        | {
            "prompt": "Person dancing to the music",
            "image_urls": ["https://example.com/dancer.jpg"],
            "audio_url": "https://example.com/music.mp3",
            "resolution": "720p",
            "duration": 10,
        }
    )
    assert got.audio == "https://example.com/music.mp3"
    assert got.duration_s == 10


# ---------------------------------------------------------------- the table of sizes

SIZES = {
    "480p": {"16:9": (832, 480), "9:16": (480, 832), "1:1": (624, 624)},
    "720p": {
        "16:9": (1280, 720),
        "9:16": (720, 1280),
        "1:1": (960, 960),
        "4:3": (1088, 832),
        "3:4": (832, 1088),
    },
    "1080p": {
        "16:9": (1920, 1080),
        "9:16": (1080, 1920),
        "1:1": (1440, 1440),
        "4:3": (1632, 1248),
        "3:4": (1248, 1632),
    },
}


@pytest.mark.parametrize("resolution", SIZES)
@pytest.mark.parametrize("size", ["16:9", "9:16", "1:1", "4:3", "3:4"])
def test_every_cell_of_the_size_table(resolution: str, size: str) -> None:
    body = TEXT | {"resolution": resolution, "size": size}
    if size in SIZES[resolution]:
        assert WAN.frame_size_px(accepted(body)) == SIZES[resolution][size]
    else:
        assert refused(body)["message"] == (
            f'size must be 16:9, 9:16, 1:1 at {resolution}, got "{size}"'
        )


@pytest.mark.parametrize("resolution", SIZES)
def test_size_is_16_9_when_it_is_absent(resolution: str) -> None:
    got = accepted(TEXT | {"resolution": resolution})
    assert WAN.frame_size_px(got) == SIZES[resolution]["16:9"]


# ---------------------------------------------------------------- the sentences


def test_the_response_is_code_and_data_with_the_submitted_task() -> None:
    said = SubmittedEnvelope(200, [Submitted("submitted", "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ")])
    assert json.loads(encoded(said)) == {
        "code": 200,
        "data": [{"status": "submitted", "task_id": "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"}],
    }


def test_model_is_fixed_as_wan_2_5_preview() -> None:
    assert accepted(TEXT).model == "wan2.5-preview"
    assert list(MODELS) == ["wan2.5-preview"]


def test_prompt_is_optional_for_image_to_video() -> None:
    assert accepted(IMAGE).prompt == ""
    assert accepted(IMAGE | {"prompt": ""}).prompt == ""


def test_the_mode_is_chosen_by_whether_image_urls_is_included() -> None:
    assert accepted(IMAGE).is_image_to_video
    assert not accepted(TEXT).is_image_to_video
    assert not accepted(TEXT | {"image_urls": []}).is_image_to_video


def test_negative_prompt_has_at_most_500_characters() -> None:
    assert accepted(TEXT | {"negative_prompt": "é" * 500}).negative_prompt == "é" * 500
    assert refused(TEXT | {"negative_prompt": "é" * 501})["param"] == "negative_prompt"


def test_a_character_outside_the_first_plane_counts_as_one() -> None:
    assert accepted(TEXT | {"negative_prompt": "\N{GRINNING FACE}" * 500})


def test_resolution_directly_affects_pricing() -> None:
    prices = [WAN.price_micro_usd(accepted(TEXT | {"resolution": r})) for r in SIZES]
    assert prices == [168_000, 332_000, 548_000]
    assert prices == sorted(set(prices))


def test_ten_seconds_cost_twice_what_five_do() -> None:
    five, ten = (accepted(TEXT | {"duration": s}) for s in (5, 10))
    assert WAN.price_micro_usd(ten) == 2 * WAN.price_micro_usd(five)


@pytest.mark.parametrize("duration", [5, 10])
def test_duration_is_5_or_10_seconds(duration: int) -> None:
    assert accepted(TEXT | {"duration": duration}).duration_s == duration


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63 - 1])
def test_seed_is_any_integer_from_0_on(seed: int) -> None:
    assert accepted(TEXT | {"seed": seed}).seed == seed


def test_prompt_extend_can_be_switched_off() -> None:
    assert not accepted(TEXT | {"prompt_extend": False}).may_rewrite_prompt


def test_audio_true_is_the_only_audio() -> None:
    assert accepted(TEXT | {"audio": True}) == accepted(TEXT)
    assert refused(TEXT | {"audio": False})["param"] == "audio"


def test_watermark_can_be_switched_on() -> None:
    assert accepted(TEXT | {"watermark": True}).has_watermark


@pytest.mark.parametrize("size", ["16:9", "9:16", "1:1", "4:3", "3:4"])
def test_size_must_not_be_passed_for_image_to_video(size: str) -> None:
    assert refused(IMAGE | {"size": size})["param"] == "size"


@pytest.mark.parametrize("language", ["en", "zh", "ja", "ko", "ru", "fr", "de", "id", "pt", "es"])
def test_every_language_of_the_list_is_taken(language: str) -> None:
    assert accepted(TEXT | {"language": language}).language == language


# ---------------------------------------------------------------- wrong requests

KNOWN = (
    "prompt, image_urls, negative_prompt, resolution, duration, size, seed, prompt_extend, "
    "audio, audio_url, watermark, webhook, language"
)
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"prompt": "p"}, "model is required; known are wan2.5-preview"),
    ({"model": "wan2.6", "prompt": "p"}, 'model "wan2.6" is not known; known are wan2.5-preview'),
    ({"model": 5, "prompt": "p"}, "model must be a string, got 5; known are wan2.5-preview"),
    ({"model": None, "prompt": "p"}, "model must be a string, got null; known are wan2.5-preview"),
    ({"model": "", "prompt": "p"}, 'model "" is not known; known are wan2.5-preview'),
    (
        {"model": ["wan2.5-preview"], "prompt": "p"},
        'model must be a string, got ["wan2.5-preview"]; known are wan2.5-preview',
    ),
    (MODEL, "prompt is required without image_urls, got none"),
    (MODEL | {"prompt": ""}, 'prompt must not be blank without image_urls, got ""'),
    (MODEL | {"prompt": " \n\t"}, 'prompt must not be blank without image_urls, got " ��"'),
    (MODEL | {"prompt": None}, "prompt must be a string, got null"),
    (MODEL | {"prompt": 5}, "prompt must be a string, got 5"),
    (MODEL | {"prompt": ["p"]}, 'prompt must be a string, got ["p"]'),
    (MODEL | {"prompt": "x" * 5001}, "prompt must have at most 5,000 characters, got 5,001"),
    (MODEL | {"prompt": "a\x00b"}, "prompt must not contain the character U+0000"),
    (MODEL | {"image_urls": []}, "prompt is required without image_urls, got none"),
    (IMAGE | {"prompt": "x" * 5001}, "prompt must have at most 5,000 characters, got 5,001"),
    (IMAGE | {"prompt": 7}, "prompt must be a string, got 7"),
    (
        TEXT | {"negative_prompt": "x" * 501},
        "negative_prompt must have at most 500 characters, got 501",
    ),
    (
        TEXT | {"negative_prompt": "é" * 501},
        "negative_prompt must have at most 500 characters, got 501",
    ),
    (TEXT | {"negative_prompt": 5}, "negative_prompt must be a string, got 5"),
    (TEXT | {"negative_prompt": None}, "negative_prompt must be a string, got null"),
    (TEXT | {"resolution": "4k"}, 'resolution must be 480p, 720p or 1080p, got "4k"'),
    (TEXT | {"resolution": "720P"}, 'resolution must be 480p, 720p or 1080p, got "720P"'),
    (TEXT | {"resolution": 720}, "resolution must be a string, got 720"),
    (TEXT | {"resolution": None}, "resolution must be a string, got null"),
    (TEXT | {"resolution": ""}, 'resolution must be 480p, 720p or 1080p, got ""'),
    (TEXT | {"duration": 7}, "duration must be 5 or 10 seconds, got 7"),
    (TEXT | {"duration": 0}, "duration must be 5 or 10 seconds, got 0"),
    (TEXT | {"duration": -5}, "duration must be 5 or 10 seconds, got -5"),
    (TEXT | {"duration": "5"}, 'duration must be an integer, got "5"'),
    (TEXT | {"duration": 5.0}, "duration must be an integer, got 5.0"),
    (TEXT | {"duration": True}, "duration must be an integer, got true"),
    (TEXT | {"duration": None}, "duration must be an integer, got null"),
    (TEXT | {"duration": 15}, "duration must be 5 or 10 seconds, got 15"),
    (
        TEXT | {"duration": 10**50},
        "duration must be 5 or 10 seconds, got a number of over 40 digits",
    ),
    (TEXT | {"size": "21:9"}, 'size must be 16:9, 9:16, 1:1, 4:3 or 3:4, got "21:9"'),
    (TEXT | {"size": "16x9"}, 'size must be 16:9, 9:16, 1:1, 4:3 or 3:4, got "16x9"'),
    (TEXT | {"size": 16}, "size must be a string, got 16"),
    (TEXT | {"size": "1280*720"}, 'size must be 16:9, 9:16, 1:1, 4:3 or 3:4, got "1280*720"'),
    (
        TEXT | {"size": "4:3", "resolution": "480p"},
        'size must be 16:9, 9:16, 1:1 at 480p, got "4:3"',
    ),
    (
        TEXT | {"size": "3:4", "resolution": "480p"},
        'size must be 16:9, 9:16, 1:1 at 480p, got "3:4"',
    ),
    (
        TEXT | {"size": "2:1", "resolution": "480p"},
        'size must be 16:9, 9:16, 1:1, 4:3 or 3:4, got "2:1"',
    ),
    (TEXT | {"size": None}, "size must be a string, got null"),
    (TEXT | {"size": ""}, 'size must be 16:9, 9:16, 1:1, 4:3 or 3:4, got ""'),
    (
        IMAGE | {"size": "16:9"},
        'size must not be given with image_urls: the picture sets the aspect ratio, got "16:9"',
    ),
    (
        IMAGE | {"size": "4:3", "resolution": "480p"},
        'size must not be given with image_urls: the picture sets the aspect ratio, got "4:3"',
    ),
    (IMAGE | {"size": None}, "size must be a string, got null"),
    (TEXT | {"seed": -1}, "seed must be 0 or more, got -1"),
    (TEXT | {"seed": 2**63}, "seed must be at most 9223372036854775807, got 9223372036854775808"),
    (TEXT | {"seed": "12345"}, 'seed must be an integer, got "12345"'),
    (TEXT | {"seed": 1.5}, "seed must be an integer, got 1.5"),
    (TEXT | {"seed": True}, "seed must be an integer, got true"),
    (TEXT | {"seed": None}, "seed must be an integer, got null"),
    (
        TEXT | {"seed": 10**60},
        "seed must be at most 9223372036854775807, got a number of over 40 digits",
    ),
    (TEXT | {"prompt_extend": 1}, "prompt_extend must be true or false, got 1"),
    (TEXT | {"prompt_extend": "true"}, 'prompt_extend must be true or false, got "true"'),
    (TEXT | {"prompt_extend": None}, "prompt_extend must be true or false, got null"),
    (TEXT | {"audio": False}, "audio must be true, got false: this model has no silent video"),
    (TEXT | {"audio": 0}, "audio must be true or false, got 0"),
    (TEXT | {"audio": "true"}, 'audio must be true or false, got "true"'),
    (TEXT | {"audio": None}, "audio must be true or false, got null"),
    (TEXT | {"audio_url": 5}, "audio_url must be a string with a URL, got 5"),
    (TEXT | {"audio_url": ""}, 'audio_url must be an http(s) URL, got ""'),
    (TEXT | {"audio_url": "music.mp3"}, 'audio_url must be an http(s) URL, got "music.mp3"'),
    (
        TEXT | {"audio_url": "ftp://example.com/a.mp3"},
        'audio_url must be an http(s) URL, got "ftp://example.com/a.mp3"',
    ),
    (
        TEXT | {"audio_url": "data:audio/wav;base64,UklGRg=="},
        'audio_url must be an http(s) URL, got "data:audio/wav;base64,UklGRg=="',
    ),
    (TEXT | {"audio_url": "https://"}, 'audio_url must be an http(s) URL, got "https://"'),
    (
        TEXT | {"audio_url": "https://example.com/a b.mp3"},
        'audio_url must be an http(s) URL, got "https://example.com/a b.mp3"',
    ),
    (
        TEXT | {"audio_url": ["https://example.com/a.mp3"]},
        'audio_url must be a string with a URL, got ["https://example.com/a.mp3"]',
    ),
    (
        TEXT | {"audio_url": "https://e.com/" + "x" * 8192},
        "audio_url must have at most 8,192 characters, got 8,206",
    ),
    (
        TEXT | {"audio_url": "file:///etc/passwd"},
        'audio_url must be an http(s) URL, got "file:///etc/passwd"',
    ),
    (TEXT | {"watermark": "yes"}, 'watermark must be true or false, got "yes"'),
    (TEXT | {"watermark": 1}, "watermark must be true or false, got 1"),
    (TEXT | {"watermark": None}, "watermark must be true or false, got null"),
    (
        MODEL | {"image_urls": CAT},
        'image_urls must be an array of strings, got "https://example.com/cat.jpg"',
    ),
    (MODEL | {"image_urls": [CAT, CAT]}, "image_urls must hold at most 1 URL, got 2"),
    (MODEL | {"image_urls": [5]}, "image_urls must be an array of strings, got [5]"),
    (MODEL | {"image_urls": None}, "image_urls must be an array of strings, got null"),
    (MODEL | {"image_urls": {}}, "image_urls must be an array of strings, got an object"),
    (
        MODEL | {"image_urls": ["cat.jpg"]},
        'image_urls[0] must be an http(s) URL or data:image/…;base64,…, got "cat.jpg"',
    ),
    (
        MODEL | {"image_urls": [""]},
        'image_urls[0] must be an http(s) URL or data:image/…;base64,…, got ""',
    ),
    (
        MODEL | {"image_urls": ["data:text/plain;base64,aGk="]},
        "image_urls[0] must be a URL or start with data:image/<type>;base64, – got "
        '"data:text/plain;base64,aGk="',
    ),
    (
        MODEL | {"image_urls": ["data:image/png,abc"]},
        "image_urls[0] must be a URL or start with data:image/<type>;base64, – got "
        '"data:image/png,abc"',
    ),
    (
        MODEL | {"image_urls": ["javascript:alert(1)"]},
        'image_urls[0] must be an http(s) URL or data:image/…;base64,…, got "javascript:alert(1)"',
    ),
    (
        MODEL | {"image_urls": ["http://[::1"]},
        'image_urls[0] must be an http(s) URL or data:image/…;base64,…, got "http://[::1"',
    ),
    (MODEL | {"image_urls": [CAT, 5]}, f'image_urls must be an array of strings, got ["{CAT}", 5]'),
    (
        TEXT | {"webhook": "example.com/hook"},
        'webhook must be an http(s) URL, got "example.com/hook"',
    ),
    (TEXT | {"webhook": 5}, "webhook must be a string with a URL, got 5"),
    (
        TEXT | {"language": "xx"},
        'language must be en, zh, ja, ko, ru, fr, de, id, pt or es, got "xx"',
    ),
    (TEXT | {"language": None}, "language must be a string, got null"),
    (
        TEXT | {"language": "EN"},
        'language must be en, zh, ja, ko, ru, fr, de, id, pt or es, got "EN"',
    ),
    (TEXT | {"promt": "x"}, '"promt" is not a field of wan2.5-preview; did you mean prompt?'),
    (
        TEXT | {"aspect_ratio": "16:9"},
        '"aspect_ratio" is not a field of wan2.5-preview; did you mean size?',
    ),
    (TEXT | {"n": 1}, f'"n" is not a field of wan2.5-preview; known are {KNOWN}'),
    (TEXT | {"fps": 24}, f'"fps" is not a field of wan2.5-preview; known are {KNOWN}'),
    (
        TEXT | {"image_url": CAT},
        '"image_url" is not a field of wan2.5-preview; did you mean image_urls?',
    ),
    (TEXT | {"": 1}, f'"" is not a field of wan2.5-preview; known are {KNOWN}'),
    (
        TEXT | {"x" * 100: 1},
        '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is not a field of '
        f"wan2.5-preview; known are {KNOWN}",
    ),
    (
        TEXT | {"camera_fixed": False},
        f'"camera_fixed" is not a field of wan2.5-preview; known are {KNOWN}',
    ),
    (TEXT | {"Seed": 1}, '"Seed" is not a field of wan2.5-preview; did you mean seed?'),
    (
        TEXT | {"duration": 7, "audio": False},
        "duration must be 5 or 10 seconds, got 7; audio must be true, got false: this "
        "model has no silent video",
    ),
    (
        TEXT | {"resolution": "4k", "size": "21:9", "seed": -1},
        'resolution must be 480p, 720p or 1080p, got "4k"; size must be 16:9, 9:16, 1:1, '
        '4:3 or 3:4, got "21:9"; seed must be 0 or more, got -1',
    ),
]


@pytest.mark.parametrize(("body", "message"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_a_wrong_request_is_told_the_rule_and_the_value(body: dict[str, Any], message: str) -> None:
    error = refused(body)
    assert error["message"] == message
    assert error["code"] == 400
    assert error["type"] == "invalid_request_error"
    assert error["param"] in {*WAN.fields, *(name[:60] for name in body), "model"}


def test_there_are_enough_wrong_requests() -> None:
    assert len(WRONG) >= 60
