"""What is heard on roads and in cities: cars, a siren, neon. No weather, no music."""

from __future__ import annotations

import numpy as np

from filmgate.engines.draft.noise import Floats
from filmgate.engines.draft.sound.noise import (
    RATE_HZ,
    Take,
    add_at,
    band,
    drift,
    seconds,
    shaped,
    tone,
    unit,
)

_SOUND_M_S = 343.0
_PASS_S = 4.4
"""How long a passing car is heard."""


def road(take: Take) -> Floats:
    """The car one sits in: a low rumble and the tyres' hiss."""
    rng, count = take.rng("road"), take.count
    rumble = shaped(count, band(38, 160), rng, together=0.8) * drift(count, rng, 1.5, 0.8, 1.1)
    tyres = shaped(count, band(450, 1700, 1), rng) * drift(count, rng, 0.8, 0.7, 1.1)
    return unit(rumble + tyres * np.float32(0.3))


def passing(take: Take, *, every_s: float, speed_m_s: float, wet: bool = False) -> Floats:
    """Cars that pass, one after another, with Doppler shift; loudest moments about 1."""
    rng, track = take.rng("passing"), take.silence()
    every_s /= min(max(take.tempo, 0.6), 1.6)
    at_s, side = rng.uniform(0.8, 1.7), 1 if rng.random() < 0.5 else -1
    while at_s < take.duration_s + 0.6:
        car = _pass_by(rng, speed_m_s * rng.uniform(0.85, 1.15), side, wet=wet)
        add_at(track, car, at_s - _PASS_S / 2, gain=rng.uniform(0.6, 1.0))
        at_s += every_s * rng.uniform(0.75, 1.3)
        side = -side if rng.random() < 0.35 else side
    return track


def traffic(take: Take) -> Floats:
    """A city's murmur, some streets away."""
    rng, count = take.rng("traffic"), take.count
    low = shaped(count, band(45, 260), rng) * drift(count, rng, 0.5, 0.5, 1)
    middle = shaped(count, band(260, 1300, 1), rng, together=0.3) * drift(count, rng, 0.4, 0.2, 0.8)
    return unit(low + middle * np.float32(0.45))


def siren(take: Take) -> Floats:
    """A siren several streets away: rises and falls, comes and goes."""
    rng, count = take.rng("siren"), take.count
    t = seconds(count)
    turn = 2 * np.pi * rng.uniform(0.24, 0.32) * t + rng.uniform(0, 6)
    pitch = 720 + 210 * np.sin(turn)
    phase = (2 * np.pi * np.cumsum(pitch, dtype=np.float64) / RATE_HZ % (2 * np.pi)).astype(
        np.float32
    )
    middle, width = take.duration_s * rng.uniform(0.35, 0.7), 0.28 * take.duration_s
    near = np.exp(-(((t - middle) / width) ** 2)) * drift(count, rng, 1.2, 0.5, 1)
    wail = (np.sin(phase) + 0.25 * np.sin(2 * phase)) * near
    pan = np.clip(rng.uniform(0.2, 0.5) + 0.25 * (t - middle) / width, 0.1, 0.9) * np.pi / 2
    return (np.stack((np.cos(pan), np.sin(pan))) * wail).astype(np.float32)


def neon(take: Take) -> Floats:
    """Transformers of neon signs: a hum at twice the mains' frequency."""
    rng, count = take.rng("neon"), take.count
    hum = np.zeros((2, count), np.float32)
    for k, loud in ((1, 0.5), (2, 0.6), (3, 0.3), (5, 0.22), (8, 0.1)):
        sine, _ = tone(100 * k, count, rng.uniform(0, 1))
        side = rng.uniform(0.3, 0.7)
        hum[0] += sine * np.float32(loud * (1 - side))
        hum[1] += sine * np.float32(loud * side)
    return unit(hum * drift(count, rng, 3, 0.6, 1))


def club(take: Take) -> Floats:
    """Music behind a wall: the beat of a bass drum and a bass note."""
    rng, track = take.rng("club"), take.silence()
    beat_s, count = 60 / 118, int(0.32 * RATE_HZ)
    t = seconds(count)
    fade = (
        np.clip(t / 0.006, 0, 1) * np.exp2(-t / np.float32(0.07)) * np.clip((0.32 - t) / 0.05, 0, 1)
    )
    kick = (np.sin(2 * np.pi * (48 * t + 0.9 * (1 - np.exp(-t * 30)))) * fade).astype(np.float32)
    root = rng.choice((41.2, 43.65, 46.25, 49.0))
    bass = (np.sin(2 * np.pi * root * 1.5 * t) * np.sin(np.pi * t / 0.32)).astype(np.float32)
    for beat in range(int(take.duration_s / beat_s) + 1):
        add_at(track, kick, beat * beat_s, 0.55)
        add_at(track, bass, (beat + 0.5) * beat_s, 0.55, 0.5 if beat % 4 else 0.7)
    return track


def _pass_by(rng: np.random.Generator, speed_m_s: float, side: int, *, wet: bool) -> Floats:
    """One car, [2, n], nearest in the middle: the noise and tones of the moment they left it."""
    count = int(_PASS_S * RATE_HZ)
    t = seconds(count, -_PASS_S / 2)
    near_m = rng.uniform(4.5, 7.5)
    along = speed_m_s * t
    away = np.sqrt(near_m**2 + along**2)
    left_s = t - (away - np.float32(near_m)) / np.float32(_SOUND_M_S)
    loud = np.float32(near_m) / away
    at = (left_s - left_s[0]) * RATE_HZ
    index = np.clip(at.astype(np.int32), 0, count - 2)
    share = at - index
    body = shaped(count, band(70, 800, 1), rng).mean(axis=0)
    hiss = shaped(count, band(900, 7500 if wet else 4200, 1), rng).mean(axis=0)
    source = body * np.float32(0.5)
    tyres = source[index] * (1 - share) + source[index + 1] * share
    spray = hiss[index] * (1 - share) + hiss[index + 1] * share
    pitch = rng.uniform(62, 95)
    engine = sum(np.sin(2 * np.pi * ((pitch * k * left_s) % 1)) / k for k in (1, 2, 3))
    sound = tyres * loud + spray * loud**1.5 * (0.5 if wet else 0.28) + 0.16 * engine * loud
    sound = sound * np.sin(np.pi * np.linspace(0, 1, count)) ** 0.7
    pan = (0.5 + 0.46 * side * along / away) * np.pi / 2
    return (np.stack((np.cos(pan), np.sin(pan))) * sound).astype(np.float32)
