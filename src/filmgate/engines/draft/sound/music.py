"""Two pieces of music: a groove to dance to, and a pad that slowly changes. No other sounds.

groove, one bar:  kick  x . . . x . . . x . . . x . . .
                  clap  . . . . x . . . . . . . x . . .
                  hat   . . x . . . x . . . x . . . x .   (and soft ones between)
                  bass  root on the off-beats; chords ducked by the kick; a plucked melody above
"""

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
    tone,
    unit,
)

BEATS_PER_MINUTE = 120
"""The dance's own, at tempo 1."""
_BPM_MIN, _BPM_MAX = 80, 165

_PROGRESSIONS = (
    ((0, 3, 7, 10), (-4, 3, 8, 12), (-9, 3, 7, 10), (-2, 2, 5, 10)),  # i VI III VII
    ((0, 3, 7, 10), (5, 8, 12, 15), (-4, 3, 8, 12), (-2, 5, 10, 14)),  # i iv VI VII
    ((-4, 3, 8, 12), (-2, 5, 10, 14), (0, 3, 7, 10), (-9, 3, 7, 10)),  # VI VII i III
)
"""Semitones from the key's tonic; the first of each chord is the bass note."""
_MINOR_PENTATONIC = (0, 3, 5, 7, 10, 12, 15)
_PAD_CHORDS = (
    ((0, 7, 14, 16, 23), (-3, 7, 12, 16, 19)),
    ((0, 7, 10, 15, 19), (-4, 8, 12, 15, 20)),
    ((0, 7, 14, 17, 21), (5, 9, 12, 16, 24)),
)


def groove_bpm(tempo: float) -> float:
    """Return a danceable pace on which the beats of a dance at `tempo` still fall."""
    bpm = BEATS_PER_MINUTE * max(tempo, 0.05)
    while bpm < _BPM_MIN:
        bpm *= 2
    if bpm > _BPM_MAX and bpm / 3 >= _BPM_MIN:
        bpm /= 3
    while bpm > _BPM_MAX:
        bpm /= 2
    return bpm


def groove(take: Take) -> Floats:
    """Drums, bass, chords and a melody; the first beat falls on the first sample."""
    rng = take.rng("groove")
    beat_s = 60 / groove_bpm(take.tempo)
    tonic = 220.0 * 2 ** (int(rng.integers(-3, 4)) / 12)
    chords = _PROGRESSIONS[int(rng.integers(0, len(_PROGRESSIONS)))]
    bars = int(take.duration_s / (4 * beat_s)) + 1
    tuned = take.silence()
    for bar in range(bars):
        chord, start = chords[bar % 4], bar * 4 * beat_s
        _play_chord(tuned, rng, tonic, chord, start, beat_s)
        _play_melody(tuned, rng, tonic, start, beat_s, is_sparse=bar % 2 == 0)
    tuned *= _ducked(take.count, beat_s)
    for bar in range(bars):
        _play_bass(tuned, tonic, chords[bar % 4][0], bar * 4 * beat_s, beat_s)
    _play_drums(tuned, rng, beat_s, 4 * bars)
    return tuned


def pad(take: Take) -> Floats:
    """Two chords that melt into one another, slightly out of tune, with a shimmer above."""
    rng, count = take.rng("pad"), take.count
    tonic = 110.0 * 2 ** (int(rng.integers(-4, 4)) / 12)
    first, second = _PAD_CHORDS[int(rng.integers(0, len(_PAD_CHORDS)))]
    t = seconds(count)
    turn = 0.5 - 0.5 * np.cos(np.pi * np.clip(t / take.duration_s * 1.3 - 0.15, 0, 1))
    track = take.silence()
    for chord, share in ((first, np.sqrt(1 - turn)), (second, np.sqrt(turn))):
        for k, step in enumerate(chord):
            beat = 0.65 + 0.35 * np.sin(2 * np.pi * (0.09 + 0.05 * k) * t + rng.uniform(0, 6))
            loud = (beat * share / (1 + 0.35 * k)).astype(np.float32)
            track += _wide_voice(rng, tonic * 2 ** (step / 12), count) * loud
    shimmer = shaped(count, band(2500, 8000, 1), rng, together=0.1) * drift(count, rng, 0.6, 0, 1)
    air = shaped(count, band(200, 900, 1), rng, together=0.2) * drift(count, rng, 0.4, 0.2, 1)
    return unit(unit(track) + shimmer * np.float32(0.035) + air * np.float32(0.10))


def _voice(pitch_hz: float, count: int, turn: float = 0.0) -> Floats:
    """A soft tone: three partials, float32 [count]."""
    sine, cosine = tone(pitch_hz, count, turn)
    voice = sine * (1.30 + 0.56 * cosine - 0.40 * sine * sine)
    return voice.astype(np.float32, copy=False)


def _wide_voice(rng: np.random.Generator, pitch_hz: float, count: int) -> Floats:
    """Two voices a little out of tune, each more on its own side, [2, count]; safe in mono."""
    turn = rng.uniform(0, 1)
    first, second = (
        _voice(pitch_hz * (1 + detune), count, turn)
        for detune in (rng.normal(0, 0.0009), rng.normal(0, 0.0009))
    )
    wide = np.stack((first + 0.45 * second, second + 0.45 * first))
    return wide.astype(np.float32, copy=False)


def _play_chord(
    track: Floats,
    rng: np.random.Generator,
    tonic: float,
    chord: tuple[int, ...],
    start_s: float,
    beat_s: float,
) -> None:
    """A chord over a bar, with a soft attack and end."""
    count = int(4 * beat_s * RATE_HZ)
    t = seconds(count)
    shape = np.clip(t / 0.05, 0, 1) * np.clip((4 * beat_s - t) / 0.12, 0, 1)
    bar = np.zeros((2, count), np.float32)
    for step in chord[1:]:
        bar += _wide_voice(rng, tonic * 2 ** (step / 12), count)
    add_at(track, (bar * shape * np.float32(0.10)).astype(np.float32), start_s)


def _play_melody(
    track: Floats,
    rng: np.random.Generator,
    tonic: float,
    start_s: float,
    beat_s: float,
    *,
    is_sparse: bool,
) -> None:
    """Plucked notes on eighths, a random walk over the minor pentatonic scale."""
    count = int(0.5 * RATE_HZ)
    envelope = decay(count, 0.085, 0.004)
    place = int(rng.integers(1, 5))
    for eighth in range(8):
        if rng.random() < (0.55 if is_sparse else 0.3):
            continue
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(_MINOR_PENTATONIC) - 1))
        pitch = 2 * tonic * 2 ** (_MINOR_PENTATONIC[place] / 12)
        note = _voice(pitch, count) * envelope
        pan, when = rng.uniform(0.3, 0.7), start_s + eighth * beat_s / 2
        add_at(track, note, when, pan, 0.26)
        add_at(track, note, when + 0.75 * beat_s, 1 - pan, 0.09)


def _play_bass(track: Floats, tonic: float, step: int, start_s: float, beat_s: float) -> None:
    """The chord's root two octaves down, between the kicks."""
    length_s = 0.42 * beat_s
    count = int(length_s * RATE_HZ)
    t = seconds(count)
    shape = np.clip(t / 0.008, 0, 1) * np.clip((length_s - t) / 0.03, 0, 1)
    pitch = tonic / 4 * 2 ** (step / 12)
    pitch = pitch * 2 if pitch < 40 else pitch
    turn = 2 * np.pi * pitch * t
    note = np.sin(turn) + 0.45 * np.sin(2 * turn) + 0.22 * np.sin(3 * turn) * np.exp2(-t / 0.05)
    note = (note * shape).astype(np.float32)
    for beat in range(4):
        add_at(track, note, start_s + (beat + 0.5) * beat_s, 0.5, 0.27)
        if beat == 3:
            add_at(track, note, start_s + (beat + 0.75) * beat_s, 0.5, 0.18)


def _play_drums(track: Floats, rng: np.random.Generator, beat_s: float, beats: int) -> None:
    count = int(0.30 * RATE_HZ)
    t = seconds(count)
    sweep = 47 * t + 2.1 * (1 - np.exp(-t * 38))
    kick = (np.sin(2 * np.pi * sweep) * decay(count, 0.075, 0.002)).astype(np.float32)
    hiss = shaped(RATE_HZ, band(7000, 14_000), rng).mean(axis=0) * np.float32(0.8)
    crack = shaped(RATE_HZ // 4, band(900, 4200, 1), rng, together=0.4)
    clap = crack * decay(RATE_HZ // 4, 0.035, 0.002) * np.float32(0.20)
    for beat in range(beats):
        when = beat * beat_s
        add_at(track, kick, when, 0.5, 0.85)
        if beat % 2:
            add_at(track, clap, when)
        for quarter, loud in ((0, 0.08), (1, 0.06), (2, 0.24), (3, 0.08)):
            length = int((0.13 if quarter == 2 else 0.05) * RATE_HZ)
            k = int(rng.integers(0, RATE_HZ - length))
            hat = hiss[k : k + length] * decay(length, length / RATE_HZ / 5, 0.001)
            add_at(track, hat, when + quarter * beat_s / 4, 0.58, loud * rng.uniform(0.8, 1.2))


def _ducked(count: int, beat_s: float) -> Floats:
    """The gain of what makes room for the kick: low at each beat, back within half of it."""
    place = (seconds(count) % np.float32(beat_s)) / np.float32(beat_s)
    return (1 - 0.6 * np.exp2(-place / 0.14)).astype(np.float32)
