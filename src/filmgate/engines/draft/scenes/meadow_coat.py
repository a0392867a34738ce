"""The coat of the animal: which colours and markings the words ask for. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.look import Look

Colour = tuple[float, float, float]
"""Display blue, green, red, 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coat:
    """Colours of one animal."""

    base: Colour
    stripe: Colour
    belly: Colour
    has_stripes: bool
    iris: Colour
    nose: Colour
    is_dog: bool


def _named(base: str, stripe: str, belly: str, iris: str, *, stripes: bool) -> Coat:
    return Coat(
        base=_hex(base), stripe=_hex(stripe), belly=_hex(belly), has_stripes=stripes,
        iris=_hex(iris), nose=_hex("c98078"), is_dog=False,
    )  # fmt: skip


def _hex(code: str) -> Colour:
    return (int(code[4:6], 16), int(code[2:4], 16), int(code[:2], 16))


_COATS = {
    "orange": _named("d98a45", "a9571f", "f6e2c6", "8fa83c", stripes=True),
    "tabby": _named("9c8468", "4c3b2c", "dccbb2", "a8b24a", stripes=True),
    "grey": _named("8d929b", "5a5f69", "d5d8dc", "c9a63c", stripes=True),
    "black": _named("37343a", "1e1c20", "4a464c", "d2b53a", stripes=False),
    "white": _named("efeae2", "d6cbbd", "fffdf8", "6fa4cf", stripes=False),
}
_WORDS = {
    "orange": "orange", "ginger": "orange", "red": "orange", "golden": "orange", "yellow": "orange",
    "tabby": "tabby", "brown": "tabby", "striped": "tabby", "grey": "grey", "gray": "grey",
    "silver": "grey", "blue": "grey", "black": "black", "dark": "black", "white": "white",
}  # fmt: skip


def coat_of(look: Look) -> Coat:
    """The coat the words name, or one that the seed draws."""
    named = [_WORDS[word] for word in sorted(look.words) if word in _WORDS]
    rng = np.random.default_rng((look.seed, 0xCA7))
    drawn = ("orange", "tabby", "orange", "grey", "white", "black")[int(rng.integers(6))]
    coat = _COATS[named[0] if named else drawn]
    if not look.words & {"dog", "puppy", "dogs", "puppies"}:
        return coat
    return Coat(
        base=coat.base, stripe=coat.stripe, belly=coat.belly, has_stripes=False,
        iris=_hex("5a3a22"), nose=_hex("2a2426"), is_dog=True,
    )  # fmt: skip


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` of `b`."""
    blue, green, red = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return (blue, green, red)
