"""What is heard out of doors: sea, weather, animals, steps, fire. No streets, no music."""

from __future__ import annotations

import numpy as np

from filmgate.engines.draft.noise import Floats
from filmgate.engines.draft.sound.noise import (
    RATE_HZ,
    Take,
    add_at,
    band,
    decay,
    drift,
    seconds,
    shaped,
    unit,
)

_SWELL_S = 4.6
_DROPS_A_SECOND = 150
_DROP_SAMPLES = 420


def sea(take: Take) -> Floats:
    """Swell: a low wash, and bright foam that trails it."""
    rng, count = take.rng("sea"), take.count
    pace = drift(count, rng, 0.4, 0.8, 1.2) * np.float32(2 * np.pi * take.tempo**0.5 / _SWELL_S)
    phase = np.cumsum(pace, dtype=np.float64) / RATE_HZ + rng.uniform(0, 2 * np.pi)
    wash = (0.5 + 0.5 * np.sin(phase)) ** 2
    foam = (0.5 + 0.5 * np.sin(phase - 0.9)) ** 3
    low = shaped(count, band(55, 420), rng) * (0.25 + 0.75 * wash)
    high = shaped(count, band(900, 6500, 1), rng, together=0.3) * (0.06 + 0.6 * foam)
    return unit((low + 0.75 * high).astype(np.float32))


def wind(take: Take, *, strength: float = 1.0) -> Floats:
    """Gusts; a strong wind is brighter and whistles a little."""
    rng, count = take.rng("wind"), take.count
    low = shaped(count, band(90, 420 + 260 * strength), rng) * drift(count, rng, 0.7, 0.25, 1)
    high = shaped(count, band(700, 2600, 1), rng, together=0.2) * drift(count, rng, 0.5, 0, 1) ** 2
    return unit(low + high * np.float32(0.35 * strength))


def breeze(take: Take) -> Floats:
    """Air in grass and leaves."""
    rng, count = take.rng("breeze"), take.count
    leaves = shaped(count, band(1800, 7000, 1), rng, together=0.2)
    air = shaped(count, band(120, 500), rng)
    return unit(leaves * drift(count, rng, 0.8, 0.1, 0.8) + air * drift(count, rng, 0.5, 0.3, 0.9))


def rain(take: Take) -> Floats:
    """A hiss with drops near by."""
    rng, count = take.rng("rain"), take.count
    track = shaped(count, band(1300, 9000, 1), rng, together=0.2) * drift(count, rng, 0.4, 0.8, 1.1)
    t = np.arange(_DROP_SAMPLES, dtype=np.float32)
    pitches = rng.uniform(0.25, 0.8, 6)
    kinds = [(np.exp(-t / 55) * np.sin(t * np.float32(p))).astype(np.float32) for p in pitches]
    drops = take.duration_s * _DROPS_A_SECOND
    starts = rng.integers(0, max(1, count - _DROP_SAMPLES), drops)
    loud = np.minimum(rng.exponential(0.9, drops), 3.5).astype(np.float32)
    sides, kind = rng.integers(0, 2, drops), rng.integers(0, len(kinds), drops)
    for k in range(drops):
        start = starts[k]
        track[sides[k], start : start + _DROP_SAMPLES] += kinds[kind[k]] * loud[k]
    return unit(track)


def thunder(take: Take) -> Floats:
    """A rumble or two, far away."""
    rng, track = take.rng("thunder"), take.silence()
    at_s = rng.uniform(0.4, 1.4)
    while at_s < take.duration_s - 1:
        count = int(4.5 * RATE_HZ)
        t = seconds(count)
        roll = shaped(count, band(28, 150), rng, together=0.8) * drift(count, rng, 5, 0.15, 1)
        crack = shaped(count, band(150, 1400, 1), rng) * np.exp2(-t / np.float32(0.16))
        rise = np.clip(t / np.float32(0.08), 0, 1)
        fall = np.exp2(-t / np.float32(0.9)) * np.clip((4.5 - t) / 0.5, 0, 1)
        add_at(track, ((roll + crack * np.float32(0.35)) * rise * fall).astype(np.float32), at_s)
        at_s += rng.uniform(4.5, 7.0)
    return track


def birds(take: Take) -> Floats:
    """Small birds: short phrases of gliding whistles, left and right, near and far."""
    rng, track = take.rng("birds"), take.silence()
    at_s = rng.uniform(0.1, 0.6)
    while at_s < take.duration_s - 0.3:
        pan, gain = rng.uniform(0.05, 0.95), rng.uniform(0.15, 0.8)
        pitch, glide = rng.uniform(2600, 4900), rng.uniform(-1400, 1600)
        length_s, gap_s = rng.uniform(0.05, 0.13), rng.uniform(0.02, 0.08)
        when = at_s
        for _ in range(rng.integers(2, 7)):
            note = _whistle(pitch * rng.uniform(0.94, 1.06), glide, length_s, rng.uniform(0, 90))
            add_at(track, note, when, pan, gain * rng.uniform(0.6, 1.0))
            when += length_s + gap_s
        at_s = when + rng.exponential(0.45) + 0.08
    return track


def gulls(take: Take) -> Floats:
    """One or two gulls over the water: falling, nasal cries."""
    rng, track = take.rng("gulls"), take.silence()
    at_s = rng.uniform(0.5, 1.8)
    while at_s < take.duration_s - 0.8:
        pan, gain, pitch = rng.uniform(0.1, 0.9), rng.uniform(0.3, 0.8), rng.uniform(1050, 1350)
        when = at_s
        for call in range(rng.integers(1, 4)):
            length_s = rng.uniform(0.22, 0.38)
            cry = sum(
                (_whistle(pitch * k, -pitch * 0.32 * k, length_s, 18 * k) / k for k in (1, 2, 3)),
                start=np.zeros(int(length_s * RATE_HZ), np.float32),
            )
            add_at(track, cry, when, pan, gain * 0.8**call)
            when += length_s + 0.12
        at_s = when + rng.uniform(2.0, 4.0)
    return track


def crickets(take: Take) -> Floats:
    """Three crickets, each at its own pitch and pace."""
    rng, track = take.rng("crickets"), take.silence()
    for pan in (0.15, 0.6, 0.9):
        pitch, gain = rng.uniform(3900, 4900), rng.uniform(0.3, 0.9)
        count = int(0.30 * RATE_HZ)
        t = seconds(count)
        pulses = np.clip(np.sin(2 * np.pi * rng.uniform(26, 34) * t), 0, 1) ** 1.5
        chirp = np.sin(2 * np.pi * pitch * t) * pulses * np.sin(np.pi * t / t[-1])
        pace_s, at_s = rng.uniform(0.55, 0.85), rng.uniform(-0.3, 0.5)
        while at_s < take.duration_s:
            add_at(track, chirp.astype(np.float32), at_s, pan, gain * rng.uniform(0.7, 1.0))
            at_s += pace_s * rng.uniform(0.96, 1.04)
    return track


def footfalls(take: Take, *, strides_hz: float = 2.3) -> Floats:
    """Light paws on grass, four to a stride."""
    rng, track = take.rng("footfalls"), take.silence()
    count = int(0.09 * RATE_HZ)
    soft = shaped(count * 12, band(110, 900), rng).mean(axis=0)
    rustle = shaped(count * 12, band(1800, 6000, 1), rng).mean(axis=0)
    stride_s = 1 / (strides_hz * min(max(take.tempo, 0.5), 1.5))
    beat = 0
    while (when := beat * stride_s) < take.duration_s:
        for place in (0.0, 0.13, 0.5, 0.61):
            k = int(rng.integers(0, 11)) * count
            step = soft[k : k + count] * decay(count, 0.013, 0.003)
            step = step + rustle[k : k + count] * decay(count, 0.02, 0.006) * np.float32(0.3)
            add_at(
                track, step, when + place * stride_s, rng.uniform(0.42, 0.58), rng.uniform(0.6, 1)
            )
        beat += 1
    return track


def fire(take: Take) -> Floats:
    """A fire: a low flutter and crackles."""
    rng, count = take.rng("fire"), take.count
    track = shaped(count, band(60, 350), rng) * drift(count, rng, 6, 0.4, 1)
    snap = shaped(4000, band(1500, 9000, 1), rng).mean(axis=0)
    for _ in range(take.duration_s * 14):
        length = int(rng.integers(60, 700))
        pop = snap[:length] * decay(length, 0.0025, 0.0004)
        add_at(
            track, pop, rng.uniform(0, take.duration_s), rng.uniform(0.2, 0.8), rng.exponential(2.0)
        )
    return unit(track)


def _whistle(pitch_hz: float, glide_hz: float, length_s: float, trill_hz: float) -> Floats:
    """A gliding tone with rounded ends, float32 [n]."""
    count = int(length_s * RATE_HZ)
    t = seconds(count)
    u = t / np.float32(length_s)
    bend = pitch_hz * t + glide_hz * t * u / 2 + 3 * np.sin(np.float32(trill_hz) * t)
    return (np.sin(2 * np.pi * bend) * np.sin(np.pi * u) ** 1.2).astype(np.float32)
