"""A dancer's body and clothes, built of round limbs and folds of cloth.

How it moves and is lit is said elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.noise import bgr
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_motion import Limbs, Trunk
from filmgate.engines.draft.scenes.dancer_sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """Colours of a dancer, linear BGR, and the cut of the clothes."""

    skin: Array
    hair: Array
    cloth: Array
    legs: Array
    shoes: Array
    has_dress: bool
    has_long_hair: bool
    height: float


_CLOTHS = (
    bgr(0.62, 0.03, 0.06),
    bgr(0.70, 0.66, 0.58),
    bgr(0.03, 0.22, 0.40),
    bgr(0.55, 0.30, 0.03),
    bgr(0.30, 0.04, 0.34),
    bgr(0.02, 0.30, 0.26),
)
_UP = np.array((0.0, 1.0, 0.0))
_LIPS = bgr(0.75, 0.32, 0.34)
_SKIRT = ((0.16, 0.104), (-0.02, 0.172), (-0.24, 0.225), (-0.46, 0.285), (-0.66, 0.345))
"""Rings of a skirt: metres above the hips and radius."""
_SKINS = (
    bgr(0.62, 0.38, 0.26),
    bgr(0.42, 0.23, 0.14),
    bgr(0.20, 0.10, 0.06),
    bgr(0.72, 0.47, 0.34),
)
_HAIRS = (bgr(0.02, 0.014, 0.012), bgr(0.09, 0.04, 0.02), bgr(0.26, 0.13, 0.05))
_WORDED = {
    "red": 0,
    "white": 1,
    "blue": 2,
    "golden": 3,
    "yellow": 3,
    "gold": 3,
    "purple": 4,
    "green": 5,
}


def outfit_of(rng: np.random.Generator, words: frozenset[str]) -> Outfit:
    """Dress a dancer by lot, or as the words say."""
    named = [i for word, i in sorted(_WORDED.items()) if word in words]
    cloth = _CLOTHS[named[0] if named else int(rng.integers(len(_CLOTHS)))]
    dress = bool(rng.random() < 0.78)
    if words & {"man", "boy", "he", "male", "suit", "jacket", "guy"}:
        dress = False
    elif words & {"dress", "skirt", "woman", "girl", "ballerina", "she", "lady"}:
        dress = True
    skin = _SKINS[int(rng.integers(len(_SKINS)))]
    return Outfit(
        skin=skin,
        hair=_HAIRS[int(rng.integers(len(_HAIRS)))],
        cloth=cloth,
        legs=skin if dress else bgr(0.025, 0.025, 0.035),
        shoes=cloth * 0.5 if dress else bgr(0.5, 0.5, 0.5),
        has_dress=dress,
        has_long_hair=dress or bool(rng.random() < 0.3),
        height=float(rng.uniform(0.97, 1.03)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A dressed dancer at a moment."""

    trunk: Trunk
    limbs: Limbs
    past: list[Trunk]
    """The trunk now and at a few earlier moments, latest first."""
    outfit: Outfit
    t_s: float


def draw_body(sheet: Sheet, body: Body) -> None:
    """Draw the parts from the farthest to the nearest."""
    t, limbs = body.trunk, body.limbs
    far, near = (0, 1) if t.shoulders[0][2] < t.shoulders[1][2] else (1, 0)
    hair_behind = t.face[2] > 0
    arm_behind = limbs.wrists[far][2] < t.chest[2]
    if hair_behind:
        _hair(sheet, body)
    if arm_behind:
        _arm(sheet, body, far)
    for i in (0, 1) if t.hips[0][2] < t.hips[1][2] else (1, 0):
        _leg(sheet, body, i)
    if body.outfit.has_dress:
        sheet.cloth(_skirt(body), body.outfit.cloth)
    _torso(sheet, body)
    _head(sheet, body)
    if not hair_behind:
        _hair(sheet, body)
    if not arm_behind:
        _arm(sheet, body, far)
    _arm(sheet, body, near)


def _torso(sheet: Sheet, body: Body) -> None:
    s, outfit = body.trunk, body.outfit
    c = outfit.cloth
    dress = outfit.has_dress
    loose = 0.0 if dress else 0.016
    thin = (0.82 if dress else 0.70) + (0.18 if dress else 0.30) * abs(math.cos(s.yaw))
    upper = (s.shoulders[0] + s.shoulders[1]) / 2
    sheet.cone(upper, 0.056, s.neck + _UP * 0.08, 0.041, outfit.skin)
    if dress:
        sheet.cone(s.waist + _UP * -0.06, 0.108 * thin, s.waist + _UP * 0.02, 0.094 * thin, c)
    else:
        sheet.cone(s.pelvis + _UP * -0.02, 0.136 * thin, s.waist, 0.112 * thin, outfit.legs)
    bare = outfit.skin if dress else c
    for i in (0, 1):
        shoulder = upper + (s.shoulders[i] - upper) * 0.90
        sheet.cone(upper, 0.066 + loose, shoulder + _UP * -0.012, 0.046 + loose, bare)
    low = s.waist + _UP * (0.0 if dress else -0.06)
    sheet.cone(
        low, (0.096 if dress else 0.116) * thin, s.chest + _UP * 0.01, (0.124 + loose) * thin, c
    )
    sheet.cone(s.chest, (0.124 + loose) * thin, upper + _UP * -0.03, (0.105 + loose) * thin, c)


def _arm(sheet: Sheet, body: Body, i: int) -> None:
    limbs, outfit = body.limbs, body.outfit
    sleeve = outfit.skin if outfit.has_dress else outfit.cloth
    loose = 0.0 if outfit.has_dress else 0.013
    shoulder, elbow, wrist, tip = (
        body.trunk.shoulders[i],
        limbs.elbows[i],
        limbs.wrists[i],
        limbs.tips[i],
    )
    middle = wrist + (tip - wrist) * 0.45
    sheet.cone(wrist, 0.021, middle, 0.027, outfit.skin)
    sheet.cone(middle, 0.027, tip, 0.008, outfit.skin)
    fore = elbow + (wrist - elbow) * 0.3
    sheet.cone(shoulder, 0.046 + loose, elbow, 0.033 + loose, sleeve)
    sheet.cone(elbow, 0.033 + loose, fore, 0.034 + loose, sleeve)
    sheet.cone(fore, 0.034 + loose, wrist, 0.022 + loose * 0.8, sleeve)


def _leg(sheet: Sheet, body: Body, i: int) -> None:
    limbs, outfit = body.limbs, body.outfit
    loose = 0.0 if outfit.has_dress else 0.014
    hip, knee, ankle = body.trunk.hips[i], limbs.knees[i], limbs.ankles[i]
    calf = knee + (ankle - knee) * 0.32
    sheet.cone(ankle + _UP * -0.03, 0.036, limbs.toes[i], 0.025, outfit.shoes)
    sheet.cone(hip, 0.082 + loose * 0.3, knee, 0.053 + loose, outfit.legs)
    sheet.cone(knee, 0.053 + loose, calf, 0.054 + loose, outfit.legs)
    sheet.cone(calf, 0.054 + loose, ankle, 0.031 + loose * 1.5, outfit.legs)


def _head(sheet: Sheet, body: Body) -> None:
    s, outfit = body.trunk, body.outfit
    f = s.face
    across = np.array([f[2], 0, -f[0]])
    front = s.head + np.array([f[0] * 0.030, -0.025 + 0.03 * f[1], 0.02])
    if f[2] > -0.5:
        sheet.ball(
            front + np.array((f[0] * 0.012, -0.056, 0)),
            0.046,
            front + _UP * 0.03,
            0.080,
            outfit.skin,
        )
        if abs(f[0]) > 0.3:
            nose = front + np.array([f[0] * 0.084, -0.022, 0])
            sheet.ball(front + np.array((f[0] * 0.066, 0.002, 0)), 0.011, nose, 0.010, outfit.skin)
    if f[2] > 0.25:
        for side in (-1, 1):
            eye = front + across * (0.031 * side) + f * 0.05
            sheet.cone(
                eye + across * 0.006, 0.0040, eye - across * 0.006, 0.0040, outfit.skin * 0.12
            )
        lip = front + f * 0.05 + _UP * -0.062
        sheet.cone(lip + across * 0.011, 0.0042, lip - across * 0.011, 0.0042, outfit.skin * _LIPS)
    crown = s.head + np.array([-f[0] * 0.022, 0.055, 0])
    back = s.head + np.array([-f[0] * 0.050, 0.0 if f[2] > 0 else -0.03, 0])
    sheet.ball(crown + np.array((f[0] * 0.045, 0.022, 0)), 0.058, crown, 0.084, outfit.hair)
    if abs(f[0]) > 0.25 or f[2] < 0:
        sheet.ball(crown, 0.084, back, 0.084, outfit.hair)


def _hair(sheet: Sheet, body: Body) -> None:
    """Strands that trail behind the head's path."""
    if not body.outfit.has_long_hair:
        return
    for strand in (-1, 1, 0):
        previous, radius = None, 0.075
        for i, trunk in enumerate(body.past):
            face = trunk.face
            across = np.array([face[2], 0, -face[0]]) * (0.048 * strand)
            behind = np.array([-face[0], 0, -face[2]]) * (0.055 + 0.016 * i)
            swing = 0.010 * i * math.sin(body.t_s * 5 - i * 0.8 + strand)
            p = (
                trunk.head
                + across * (1 + 0.12 * i)
                + behind
                + np.array([swing, 0.03 - 0.085 * i, 0])
            )
            r = (0.068, 0.066, 0.058, 0.042, 0.012)[i]
            if previous is not None:
                sheet.cone(previous, radius, p, r, body.outfit.hair)
            previous, radius = p, r


def _skirt(body: Body) -> list[Array]:
    """Rings of a skirt from waist to hem; the hem trails behind the hips and opens in a turn."""
    t_s = body.t_s
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rings: list[Array] = []
    for i, (drop, radius) in enumerate(_SKIRT):
        p = body.past[i]
        spin = min(abs(p.turn_rate), 5.0)
        share = i / 4
        a = angle + p.yaw
        wave = np.sin(7 * angle + 0.6 * math.sin(t_s * 3)) + 0.5 * np.sin(11 * angle + t_s * 2.2)
        r = radius * (1 + 0.10 * spin * share**1.5) * (1 + 0.11 * share * wave)
        y = (
            p.pelvis[1]
            + drop
            + 0.05 * spin * share**2
            + 0.04 * share * np.sin(3 * angle + t_s * 4.0)
        )
        rings.append(
            np.stack([p.pelvis[0] + r * np.sin(a), y, p.pelvis[2] + r * np.cos(a)], axis=1)
        )
    return rings
