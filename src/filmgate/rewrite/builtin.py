"""Rewrites prompts from a small vocabulary: at once, offline, repeatably. It asks no model.

    prompt ─ language, theme ─ aspects not said yet ─ one term each, chosen by prompt and seed
    "a cat"  →  "a cat. Slow push in at the subject's own height, … . Soft side lighting … ."

The caller's text stands in front unchanged. With a picture to start from, light and style are the
picture's: only camera and sound are added.
"""

from __future__ import annotations

import hashlib
import re

from filmgate.ports.rewriter import Mode, Rewriting
from filmgate.rewrite.vocabulary import (
    ANYTHING,
    SAID,
    STILL_MOVES,
    THEMES,
    Aspect,
    Language,
    Theme,
)

PROMPT_LENGTH_MAX = 5000
ASPECTS = {
    Mode.TEXT_TO_VIDEO: tuple(Aspect),
    Mode.IMAGE_TO_VIDEO: (Aspect.CAMERA, Aspect.SOUND),
}
HAN = re.compile(r"[\u4e00-\u9fff]")
KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
ENDINGS = ".!?。！？…"
SPEECH = re.compile(r"[\"“「『][^\"”」』]{2,}[\"”」』]")


class BuiltinRewriter:
    """A ports.rewriter.Rewriter without a model."""

    async def rewrite(self, prompt: str, *, mode: Mode, seed: int) -> Rewriting:
        """Add what the prompt does not say yet, as far as 5,000 characters allow."""
        text = prompt.strip()
        if not text:
            return _without_prompt(prompt, mode, seed)
        language, theme = language_of(text), theme_of(text)
        full = text
        for aspect in ASPECTS[mode]:
            if is_said(aspect, text):
                continue
            term = _chosen(theme.terms(aspect, language), f"{aspect}\n{seed}\n{text}")
            longer = _joined(full, term, language)
            if len(longer) <= PROMPT_LENGTH_MAX:
                full = longer
        if full == text:
            return Rewriting(prompt=prompt, note="the prompt says everything already")
        return Rewriting(prompt=full)


def is_said(aspect: Aspect, text: str) -> bool:
    """Tell whether a prompt speaks of an aspect, also to say that it wants none of it."""
    if aspect is Aspect.SOUND and SPEECH.search(text):
        return True
    return SAID[aspect].search(text) is not None


def theme_of(text: str) -> Theme:
    """Return the theme of which a prompt holds the most signs."""
    counted = [(len(set(theme.signs.findall(text.lower()))), theme) for theme in THEMES[:-1]]
    most = max(count for count, _ in counted)
    return next((theme for count, theme in counted if count == most > 0), ANYTHING)


def language_of(text: str) -> Language:
    """Return Chinese for a mostly Chinese text, English for all others."""
    is_japanese_or_korean = KANA_OR_HANGUL.search(text) is not None
    if not is_japanese_or_korean and len(HAN.findall(text)) > len(LATIN_WORD.findall(text)):
        return Language.CHINESE
    return Language.ENGLISH


def _without_prompt(prompt: str, mode: Mode, seed: int) -> Rewriting:
    if mode is not Mode.IMAGE_TO_VIDEO:
        return Rewriting(prompt=prompt, note="there is no prompt to rewrite")
    move = _chosen(STILL_MOVES[Language.ENGLISH], f"still\n{seed}")
    sound = _chosen(ANYTHING.terms(Aspect.SOUND, Language.ENGLISH), f"still sound\n{seed}")
    return Rewriting(prompt=f"{move}. {sound}.")


def _chosen(terms: tuple[str, ...], salt: str) -> str:
    digest = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).digest()
    return terms[int.from_bytes(digest[:8]) % len(terms)]


def _joined(text: str, term: str, language: Language) -> str:
    if language is Language.CHINESE:
        return f"{text}{'' if text[-1] in ENDINGS else '。'}{term}。"
    return f"{text}{'' if text[-1] in ENDINGS else '.'} {term}."
