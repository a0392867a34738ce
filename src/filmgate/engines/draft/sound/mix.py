"""Mixes what a look sounds like into one stereo track of a fixed loudness. It encodes nothing.

look -> layers, each with a level in dB -> room -> limiter, fades -> -18 dBFS RMS
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from filmgate.engines.draft.look import Look, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.noise import Floats
from filmgate.engines.draft.sound import music, nature, street
from filmgate.engines.draft.sound.noise import RATE_HZ, Take

PEAK_MAX = 0.89
LOUDNESS_DB = -18.0
"""RMS over the whole track and both channels, relative to full scale."""

_ROOM_S = 1.0
_FADE_OUT_S = 0.45
_STORMS = frozenset(("storm", "stormy", "thunder", "thunderstorm", "lightning"))
_SEAS = frozenset(
    ("sea", "ocean", "beach", "coast", "coastal", "seaside", "shore", "waves", "surf")
)
_FIRES = frozenset(("fire", "campfire", "fireplace", "bonfire", "flames"))
_RUNS = frozenset(
    ("run", "running", "runs", "walk", "walking", "jump", "jumping", "play", "playing")
)

Layers = Iterator[tuple[float, Floats]]
"""Levels in dB and tracks."""


def ambience(look: Look, duration_s: int, seed: int) -> Floats:
    """Return the sound of a look, float32 [2, 48000 * duration_s].

    Within ±0.89, about -18 dBFS RMS, faded at both ends. The same look, duration and seed give the
    same samples. What `look.without` names ('music', 'cars', 'birds', 'rain', …) is not heard.
    """
    if duration_s < 1:
        raise ValueError(f"sound must last at least 1 second, got {duration_s}")
    take = Take(duration_s=duration_s, seed=seed, tempo=look.tempo)
    track = take.silence()
    for layers in (_scene(look, take), _weather(look, take), _named(look, take)):
        for level_db, layer in layers:
            track += layer * np.float32(10 ** (level_db / 20))
    if not track.any():
        track += nature.wind(take, strength=0.2)
    is_music = _has_groove(look)
    wet = 0.05 if is_music else 0.14
    return _mastered(_in_a_room(track, take, wet), 0.012 if is_music else 0.15)


def _has_groove(look: Look) -> bool:
    is_asked = look.scene is SceneName.DANCER or "music" in look.words
    return is_asked and "music" not in look.without


def _scene(look: Look, take: Take) -> Layers:
    match look.scene:
        case SceneName.HIGHWAY:
            yield from _highway(look, take)
        case SceneName.CITY:
            yield from _city(look, take)
        case SceneName.MEADOW:
            yield from _meadow(look, take)
        case SceneName.DANCER:
            yield from _dancer(look, take)
        case SceneName.MOOD:
            yield from _mood(look, take)


def _highway(look: Look, take: Take) -> Layers:
    yield -7, nature.sea(take)
    yield -18, nature.wind(take)
    if "cars" not in look.without:
        yield -12, street.road(take)
        is_wet = look.weather is Weather.RAIN
        yield 4, street.passing(take, every_s=2.6, speed_m_s=26, wet=is_wet)
    if "birds" not in look.without and look.time is not TimeOfDay.NIGHT:
        yield -9, nature.gulls(take)


def _city(look: Look, take: Take) -> Layers:
    is_night = look.time is TimeOfDay.NIGHT
    if "cars" not in look.without:
        yield -10, street.traffic(take)
        is_wet = look.weather is Weather.RAIN
        yield 3, street.passing(take, every_s=3.4, speed_m_s=12, wet=is_wet)
        if look.seed % 2 == 0:
            yield -14, street.siren(take)
    if is_night and "neon" not in look.without and "lights" not in look.without:
        yield -25, street.neon(take)
    if is_night and look.seed % 2 and "music" not in look.without:
        yield -5, street.club(take)
    yield -22, nature.wind(take, strength=0.5)


def _meadow(look: Look, take: Take) -> Layers:
    yield -17, nature.breeze(take)
    is_singing = look.time is not TimeOfDay.NIGHT and look.weather in (
        Weather.CLEAR,
        Weather.CLOUDY,
    )
    if is_singing and "birds" not in look.without:
        yield 1, nature.birds(take)
    if look.time in (TimeOfDay.NIGHT, TimeOfDay.SUNSET) and look.weather is not Weather.SNOW:
        yield (-2 if look.time is TimeOfDay.NIGHT else -12), nature.crickets(take)
    if "cat" not in look.without:
        yield (-3 if look.words & _RUNS else -10), nature.footfalls(take)


def _dancer(look: Look, take: Take) -> Layers:
    if _has_groove(look):
        yield 4, music.groove(take)
        yield -34, nature.wind(take, strength=0.3)
    else:
        yield -24, nature.wind(take, strength=0.3)
        yield 0, nature.footfalls(take, strides_hz=1.0)


def _mood(look: Look, take: Take) -> Layers:
    if "music" in look.without:
        yield -8, nature.wind(take, strength=0.6)
    else:
        yield -2, music.pad(take)
        yield -24, nature.wind(take, strength=0.4)


def _weather(look: Look, take: Take) -> Layers:
    is_music = _has_groove(look)
    if look.weather is Weather.RAIN and "rain" not in look.without:
        yield (-20 if is_music else -9), nature.rain(take)
        if look.words & _STORMS:
            yield 5, nature.thunder(take)
            yield -9, nature.wind(take, strength=1.0)
    elif look.weather is Weather.SNOW and "snow" not in look.without:
        yield (-22 if is_music else -15), nature.wind(take, strength=0.7)
    elif look.weather is Weather.FOG and "fog" not in look.without:
        yield (-26 if is_music else -14), nature.wind(take, strength=0.2)


def _named(look: Look, take: Take) -> Layers:
    """What the prompt names though the scene has it not: a beach dance, birds in a picture."""
    if look.words & _SEAS and look.scene is not SceneName.HIGHWAY:
        yield (-14 if _has_groove(look) else -6), nature.sea(take)
    if look.words & {"bird", "birds", "birdsong"} and look.scene is not SceneName.MEADOW:
        yield -12, nature.birds(take)
    if look.words & _FIRES:
        yield -7, nature.fire(take)
    if _has_groove(look) and look.scene is not SceneName.DANCER:
        yield 0, music.groove(take)


def _in_a_room(track: Floats, take: Take, wet: float) -> Floats:
    """Add the echo of a large place: convolution with decaying noise (J. A. Moorer, 1979)."""
    rng, tail = take.rng("room"), int(_ROOM_S * RATE_HZ)
    t = np.arange(tail, dtype=np.float32) / RATE_HZ
    echo = rng.standard_normal((2, tail), dtype=np.float32) * np.exp(-t * np.float32(5.5))
    echo[:, : RATE_HZ // 80] = 0
    echo /= np.sqrt((echo**2).sum(axis=1, keepdims=True))
    size = track.shape[1] + tail
    heard = np.fft.irfft(np.fft.rfft(track, size) * np.fft.rfft(echo, size), size)
    louder = track + np.float32(2 * wet) * heard[:, : track.shape[1]]
    return louder.astype(np.float32, copy=False)


def _mastered(track: Floats, fade_in_s: float) -> Floats:
    """Set the loudness, round the peaks, fade the ends."""
    count = track.shape[1]
    level = np.float32(10 ** (LOUDNESS_DB / 20))
    place = np.arange(count, dtype=np.float32) / RATE_HZ
    left = np.float32(count / RATE_HZ) - place
    fade = np.minimum(np.clip(place / fade_in_s, 0, 1), np.clip(left / _FADE_OUT_S, 0, 1))
    fade = (fade * fade * (3 - 2 * fade)).astype(np.float32)
    for _ in range(2):  # the limiter takes some loudness away: once more to meet it
        track = track * (level / np.float32(max(float(track.std()), 1e-9)))
        track = np.float32(PEAK_MAX) * np.tanh(track * np.float32(1 / PEAK_MAX))
    return np.clip(track * fade, -PEAK_MAX, PEAK_MAX).astype(np.float32)
