"""Every failure of a task is said in Chinese, with its values; other languages fall back."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.resources import files

import pytest

from filmgate.catalogue.translation import failure_message
from filmgate.domain import errors
from filmgate.domain.task import Failure
from filmgate.inputs.faults import FetchFault, Reason
from repo.reference_pages import ROOT, input_reasons, walk

PLACE = re.compile(r"\{\w*\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
BESIDE_THE_TREE = {"internal_error", "storage_failed", "task_failed"}
"""Codes of failed tasks that are no TaskFailure: the worker's last word, its storage, no reason."""
BY_REASON = {"input_rejected", "input_unreachable"}
"""Failures of these kinds carry a reason instead."""


def catalogue(language: str) -> dict[str, dict[str, str]]:
    text = files("filmgate.catalogue").joinpath("messages", f"{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def codes() -> set[str]:
    kinds = {kind.code for _, kind in walk(errors.TaskFailure) if not kind.__subclasses__()}
    return kinds - BY_REASON | BESIDE_THE_TREE | set(input_reasons())


def test_every_code_has_a_chinese_sentence_that_quotes_the_original():
    chinese = catalogue("zh")
    silent = {code for code in codes() if code not in chinese}
    assert silent == set()
    for code in codes():
        assert "{original}" in chinese[code]["otherwise"], code
        assert all(CHINESE.search(sentence) for sentence in chinese[code].values()), code


def test_both_languages_have_the_same_sentences_with_the_same_values():
    english, chinese = catalogue("en"), catalogue("zh")
    assert set(english) <= codes()
    for code, sentences in english.items():
        assert set(sentences) == set(chinese[code]) - {"otherwise"}, code
        for name, sentence in sentences.items():
            assert set(PLACE.findall(sentence)) == set(PLACE.findall(chinese[code][name])), name


def test_the_english_sentences_are_those_that_the_code_says():
    said = "\n".join(sorted(_sentences_of_the_source()))
    unsaid = [
        sentence
        for sentences in catalogue("en").values()
        for sentence in sentences.values()
        if PLACE.sub("{}", re.sub(r"^\{param\} (must )?", "", sentence)) not in said
    ]
    assert unsaid == []


def _sentences_of_the_source() -> set[str]:
    """Return every text of the source, with {} for what is put into it."""
    found: set[str] = set()
    for path in (ROOT / "src" / "filmgate").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)):
                    found.add(text)
                case ast.JoinedStr(values=pieces):
                    found.add(
                        "".join(
                            str(p.value) if isinstance(p, ast.Constant) else "{}" for p in pieces
                        )
                    )
                case _:
                    pass
    # Refused URLs are said in two halves: "be {}" and "a URL …".
    return found | {f"be {text}" for text in found}


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            Failure(
                code="input_audio_too_short",
                message="audio_url must last 3 to 30 seconds, got 2.5 seconds",
                param="audio_url",
            ),
            "audio_url 的时长必须为 3 到 30 秒，实际为 2.5 秒",
        ),
        (
            Failure(
                code="input_image_type",
                message="image_urls must be a JPEG, PNG, WebP, BMP or GIF, got an HTML page",
                param="image_urls",
            ),
            "image_urls 必须是 JPEG、PNG、WebP、BMP 或 GIF 图片，实际为 HTML 页面",
        ),
        (
            Failure(code="stage_timed_out", message="make took longer than 1800 seconds"),
            "阶段 生成 用时超过 1800 秒",
        ),
    ],
)
def test_values_stay_in_the_chinese_sentence(failure, said):
    assert failure_message(failure, language="zh") == said
    assert failure_message(failure, language="zh-CN") == said


def test_a_sentence_that_is_not_known_is_quoted():
    failure = Failure(code="engine_failed", message="the lens is {broken}")
    assert failure_message(failure, language="zh") == "引擎无法生成此视频（the lens is {broken}）"


def test_a_failed_fetch_is_recognised_in_its_own_words():
    fault = FetchFault(Reason.NOT_FOUND, "exist, films.example answered 404")
    failure = fault.as_failure("image_urls")
    kept = Failure(code=failure.reason, message=failure.message, param=failure.param)
    said = failure_message(kept, language="zh")
    assert said == "image_urls 指向的文件必须存在，films.example 返回 404"


@pytest.mark.parametrize("language", ["en", "ja", "de", "", "xx", "../zh", "zh.toml", "\0"])
def test_other_languages_get_the_original_text(language):
    failure = Failure(code="engine_crashed", message="the engine's process ended with status -9")
    assert failure_message(failure, language=language) == failure.message


def test_a_code_that_is_not_in_the_catalogue_is_said_as_it_is():
    failure = Failure(code="from_a_newer_release", message="so it is")
    assert failure_message(failure, language="zh") == "so it is"


def test_values_are_put_in_once():
    message = "{param} must exist, {original} answered 404"
    failure = Failure(code="input_not_found", message=message, param="image_urls")
    assert failure_message(failure, language="zh").count("{original}") == 1
