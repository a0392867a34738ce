"""Prompts become fuller, stay the caller's, and never get lost."""

import json

import pytest

from filmgate.domain.errors import ConfigError
from filmgate.engines.draft.words import understand
from filmgate.ports.rewriter import Mode, Rewriting
from filmgate.rewrite.builtin import (
    PROMPT_LENGTH_MAX,
    BuiltinRewriter,
    is_said,
    language_of,
    theme_of,
)
from filmgate.rewrite.chat import SYSTEM_PROMPTS, ChatRewriter
from filmgate.rewrite.vocabulary import SAID, STILL_MOVES, THEMES, Aspect, Language
from filmgate.testing.web import (
    Route,
    WebServer,
    answer,
    chunked,
    drip,
    endless,
    garbage,
    hang_up,
    redirect,
    silence,
)

TEXT, IMAGE = Mode.TEXT_TO_VIDEO, Mode.IMAGE_TO_VIDEO
PROMPTS = [
    "a cat",
    "A highway along the coast",
    "A kitten chasing a butterfly in a meadow, no people",
    "A woman dancing on a stage in red",
    "Cyberpunk city street at night in the rain",
    "a mountain",
    "a bowl of noodle soup",
    "an astronaut in the desert",
    "nebula",
    "colours",
    "Journey",
    "一只小猫在草地上",
    "沿海公路，车辆",
    "赛博朋克城市街道，雨夜",
    "女孩在舞台上跳舞",
    "山",
    "一碗面条",
    "宇宙",
]


async def rewritten(prompt: str, mode: Mode = TEXT, seed: int = 7) -> str:
    return (await BuiltinRewriter().rewrite(prompt, mode=mode, seed=seed)).prompt


# ---------------------------------------------------------------- the built-in one


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_short_prompt_gets_what_it_does_not_say(prompt: str) -> None:
    full = await rewritten(prompt)
    assert full.startswith(prompt)
    assert all(is_said(aspect, full) for aspect in Aspect)
    assert len(full) > len(prompt) + 40
    assert language_of(full) is language_of(prompt)


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("mode", list(Mode))
async def test_a_rewritten_prompt_is_not_rewritten_further(prompt: str, mode: Mode) -> None:
    full = await rewritten(prompt, mode)
    again = await BuiltinRewriter().rewrite(full, mode=mode, seed=8)
    assert again.prompt == full
    assert again.note is not None


async def test_the_same_prompt_and_seed_give_the_same_text() -> None:
    assert await rewritten("a cat", seed=3) == await rewritten("a cat", seed=3)
    assert len({await rewritten("a cat", seed=seed) for seed in range(20)}) > 5
    assert await rewritten("a cat", seed=2**63 - 1)


async def test_a_text_is_the_same_in_every_release() -> None:
    assert await rewritten("a cat", seed=0) == (
        "a cat. "
        "Slow push in at the subject's own height, long lens, shallow focus. "
        "Warm rim lighting, gentle fill. "
        "Cinematic style, natural palette, fine detail and an unhurried pace. "
        "Sound of small rustles and a quiet breeze."
    )


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("seed", range(6))
async def test_what_the_draft_engine_sees_in_a_prompt_stays(prompt: str, seed: int) -> None:
    before = understand(prompt, "", seed, 5)
    after = understand(await rewritten(prompt, seed=seed), "", seed, 5)
    for name in ("scene", "time", "weather", "tempo", "without"):
        assert getattr(after, name) == getattr(before, name), name


@pytest.mark.parametrize(
    ("prompt", "aspect"),
    [
        ("a cat, handheld camera", Aspect.CAMERA),
        ("a cat, close-up", Aspect.CAMERA),
        ("a cat, Tracking shots", Aspect.CAMERA),
        ("猫，特写镜头", Aspect.CAMERA),
        ("a cat in golden hour light", Aspect.LIGHT),
        ("a cat at sunset", Aspect.LIGHT),
        ("夕阳下的猫", Aspect.LIGHT),
        ("a cat, watercolor", Aspect.STYLE),
        ("a cat, anime style", Aspect.STYLE),
        ("猫，水墨风格", Aspect.STYLE),
        ("a cat, no music", Aspect.SOUND),
        ('a man says: "good morning"', Aspect.SOUND),
        ("一个人说道：“早上好”", Aspect.SOUND),
    ],
)
async def test_nothing_is_added_to_what_is_said(prompt: str, aspect: Aspect) -> None:
    every = {
        term for theme in THEMES for language in Language for term in theme.terms(aspect, language)
    }
    full = await rewritten(prompt)
    assert full.startswith(prompt)
    assert not any(term in full for term in every)


@pytest.mark.parametrize("prompt", ["a span of time", "a lightweight tent", "a lens-shaped hill"])
def test_a_word_inside_another_is_not_taken_for_it(prompt: str) -> None:
    said = {aspect for aspect in Aspect if is_said(aspect, prompt)}
    assert said <= {Aspect.CAMERA} if "lens" in prompt else said == set()


async def test_a_full_prompt_stays_as_it_is() -> None:
    prompt = "A cat, slow push in, soft light, cinematic style, sound of rain"
    kept = await BuiltinRewriter().rewrite(prompt, mode=TEXT, seed=1)
    assert kept == Rewriting(prompt=prompt, note="the prompt says everything already")


@pytest.mark.parametrize("seed", range(12))
async def test_a_picture_without_a_prompt_gets_a_gentle_move(seed: int) -> None:
    for blank in ("", " \n"):
        full = await rewritten(blank, IMAGE, seed)
        assert full.startswith(tuple(STILL_MOVES[Language.ENGLISH]))
        assert is_said(Aspect.CAMERA, full)
        assert is_said(Aspect.SOUND, full)


async def test_a_picture_keeps_its_own_light_and_style() -> None:
    for prompt in PROMPTS:
        full = await rewritten(prompt, IMAGE)
        for aspect in (Aspect.LIGHT, Aspect.STYLE):
            assert is_said(aspect, full) == is_said(aspect, prompt)


async def test_no_prompt_at_all_comes_back_with_a_note() -> None:
    assert (await BuiltinRewriter().rewrite("", mode=TEXT, seed=1)).note is not None


@pytest.mark.parametrize("length", [4700, 4850, 4950, 4999, 5000, 6000])
async def test_a_long_prompt_gets_only_what_fits(length: int) -> None:
    prompt = ("cat " * 2000)[:length]
    full = await rewritten(prompt)
    assert full.startswith(prompt.strip())
    assert len(full) <= max(PROMPT_LENGTH_MAX, length)
    assert not full.endswith(" .")


EVERY_TERM = [
    (aspect, language, term)
    for theme in THEMES
    for aspect in Aspect
    for language in Language
    for term in theme.terms(aspect, language)
]


def test_every_term_is_recognised_as_its_aspect() -> None:
    for aspect, language, term in EVERY_TERM:
        assert SAID[aspect].search(term), term
        assert language_of(term) is language


def test_no_term_of_camera_or_sound_speaks_of_light_or_style() -> None:
    for aspect, _, term in EVERY_TERM:
        if aspect in {Aspect.CAMERA, Aspect.SOUND}:
            assert not SAID[Aspect.LIGHT].search(term), term
            assert not SAID[Aspect.STYLE].search(term), term


@pytest.mark.parametrize("prompt", ["mountain", "architecture", "bird", "portrait", "calm"])
def test_no_term_outweighs_even_a_weak_subject(prompt: str) -> None:
    before = understand(prompt, "", 0, 5)
    terms = [term for _, _, term in EVERY_TERM]
    for term in [*terms, ". ".join(terms)]:
        after = understand(f"{prompt}. {term}.", "", 0, 5)
        assert (after.scene, after.time, after.weather, after.tempo, after.without) == (
            before.scene,
            before.time,
            before.weather,
            before.tempo,
            before.without,
        ), term


@pytest.mark.parametrize(
    ("prompt", "place"),
    [("a dancer in the city", 0), ("a dog on a mountain", 2), ("a red car, a road, the sea", 3)],
)
def test_the_theme_is_what_the_prompt_says_most(prompt: str, place: int) -> None:
    assert theme_of(prompt) is THEMES[place]


def test_odd_texts_are_taken() -> None:
    for text in ("\ud800", "🙂", "猫は走る", "고양이", "кот", "\x00", "!"):
        assert language_of(text) is Language.ENGLISH


# ---------------------------------------------------------------- the one that asks a model


def completion(text: object, **choice: object) -> Route:
    body = {"id": "x", "choices": [{"index": 0, "message": {"content": text}, **choice}]}
    return answer(json.dumps(body).encode())


async def asked(
    route: Route, prompt: str = "a cat", *, mode: Mode = TEXT, timeout_s: float = 20, key: str = "k"
) -> tuple[Rewriting, WebServer]:
    async with WebServer() as web:
        web.route("/v1/chat/completions", route)
        rewriter = ChatRewriter(
            base_url=web.url("/v1/"), key=key, model="small", timeout_s=timeout_s
        )
        return await rewriter.rewrite(prompt, mode=mode, seed=2**63 - 1), web


@pytest.mark.parametrize("mode", list(Mode))
async def test_the_model_is_asked_in_the_terms_of_the_field(mode: Mode) -> None:
    found, web = await asked(completion("A tabby cat walks."), mode=mode, key="secret")
    assert found == Rewriting(prompt="A tabby cat walks.")
    request = web.requests[0]
    assert request.method == "POST"
    assert request.headers["authorization"] == "Bearer secret"
    sent = json.loads(request.body)
    assert sent["model"] == "small"
    assert 0 <= sent["seed"] < 2**31
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert sent["messages"][1]["content"] == "a cat"
    for term in ("subject", "scene", "motion", "camera", "light", "style", "sound"):
        assert term in sent["messages"][0]["content"]


async def test_a_picture_without_a_prompt_may_be_asked_for() -> None:
    found, web = await asked(completion("Slow push in."), "", mode=IMAGE)
    assert found.prompt == "Slow push in."
    assert json.loads(web.requests[0].body)["messages"][0]["content"] == SYSTEM_PROMPTS[IMAGE]


async def test_without_a_key_none_is_sent() -> None:
    _, web = await asked(completion("A tabby cat."), key="")
    assert "authorization" not in web.requests[0].headers


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("  A cat\n\nwalks.  ", "A cat walks."),
        ('"A cat walks."', "A cat walks."),
        ("“一只猫。”", "一只猫。"),
        ('"A" and "B" walk.', '"A" and "B" walk.'),
        ("```\nA cat walks.\n```", "A cat walks."),
        ("<think>The user\nwants…</think>\nA cat walks.", "A cat walks."),
        ("I can see a cat that walks.", "I can see a cat that walks."),
        ("x" * 5000, "x" * 5000),
    ],
)
async def test_what_models_put_around_a_text_is_taken_off(content: str, text: str) -> None:
    assert (await asked(completion(content)))[0] == Rewriting(prompt=text)


NONSENSE = {
    "empty": completion(""),
    "blank": completion(" \n\t"),
    "null": completion(None),
    "a number": completion(5),
    "too long": completion("x" * 5001),
    "cut off": completion("A cat walks", finish_reason="length"),
    "filtered": completion("A cat walks", finish_reason="content_filter"),
    "only thoughts": completion("<think>hm</think>"),
    "unending thoughts": completion("<think>hm, a cat"),
    "refusal": completion("I'm sorry, but I can't help with that."),
    "curly refusal": completion("I’m sorry, but I can’t help with that."),
    "plain refusal": completion("I cannot create this."),
    "role refusal": completion("As an AI language model, I do not…"),
    "Chinese refusal": completion("抱歉，我无法协助。"),
    "no choices": answer(b'{"choices":[]}'),
    "an error object": answer(b'{"error":{"message":"secret inner text"}}'),
    "no JSON": answer(b"<html>It works!</html>"),
    "broken JSON": answer(b'{"choices":[{"mess'),
    "not UTF-8": answer(b'{"choices":[{"message":{"content":"\xff\xfe"}}]}'),
    "a list": answer(b"[]"),
    "nothing": answer(b""),
    "status 400": answer(b"{}", status=400),
    "status 401": answer(b"{}", status=401),
    "status 429": answer(b"{}", status=429),
    "status 500": answer(b"secret inner text", status=500),
    "redirect": redirect("http://127.0.0.1:9/"),
    "hang up": hang_up(),
    "half an answer": chunked([b'{"choices":['], is_ended=False),
    "no HTTP": garbage(b"SSH-2.0\r\n\r\n"),
    "endless": endless(),
    "bad gzip": answer(b"no gzip", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_leaves_the_prompt_with_a_note(name: str) -> None:
    found, _ = await asked(NONSENSE[name])
    assert found.prompt == "a cat"
    assert found.note is not None
    assert found.note.startswith("the prompt was kept: ")
    assert "secret" not in found.note
    assert "127.0.0.1" not in found.note


@pytest.mark.parametrize("route", [silence(), drip(b" ", pause_s=0.02)], ids=["silence", "drip"])
async def test_a_slow_model_is_not_waited_for(route: Route) -> None:
    found, _ = await asked(route, timeout_s=0.2)
    assert found.prompt == "a cat"
    assert found.note == (
        "the prompt was kept: the rewriting service did not answer within 0.2 seconds"
    )


async def test_a_service_that_is_down_leaves_the_prompt() -> None:
    async with WebServer() as web:
        url = web.url("/v1")
    rewriter = ChatRewriter(base_url=url, key="k", model="m", timeout_s=20)
    found = await rewriter.rewrite("a cat", mode=TEXT, seed=1)
    assert found == Rewriting(
        prompt="a cat", note="the prompt was kept: the rewriting service could not be reached"
    )


async def test_a_text_that_lost_most_of_the_prompt_is_not_taken() -> None:
    prompt = "A cat walks through a garden full of flowers, then sleeps in the sun."
    assert (await asked(completion("A cat."), prompt))[0].prompt == prompt


async def test_a_prompt_that_reads_like_a_refusal_may_be_rewritten() -> None:
    found, _ = await asked(completion("Sorry, we're closed, says a sign."), "Sorry, we're closed")
    assert found.note is None


@pytest.mark.parametrize("key", ["a b", "kéy", "a\nb"])
def test_a_key_that_no_header_can_carry_is_a_config_error(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ChatRewriter(base_url="http://a.test", key=key, model="m", timeout_s=1)
    assert key not in caught.value.message


async def test_a_text_that_is_no_unicode_does_not_fail() -> None:
    found, _ = await asked(completion("A tabby cat."), "a cat \ud800")
    assert found.prompt == "A tabby cat."


@pytest.mark.parametrize(
    "url", ["", "example.com/v1", "ftp://example.com", "http://", "http://[x]"]
)
def test_a_base_url_that_is_none_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="base URL"):
        ChatRewriter(base_url=url, key="", model="m", timeout_s=1)
