"""Shaped noise, slow curves, envelopes: what sounds are made of. No sound of anything yet.

Sounds are float32 [2, samples] at 48 kHz, left then right; noise and beds come at an RMS of 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.noise import Floats
from filmgate.ports.engine import SOUND_RATE_HZ

RATE_HZ = SOUND_RATE_HZ

_BLOCK = 512

Gain = Callable[[Floats], Floats]
"""Gain by frequency; the frequencies are above zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """The stretch of time that every layer of one track fills."""

    duration_s: int
    seed: int
    tempo: float = 1.0

    @property
    def count(self) -> int:
        """Samples of a channel."""
        return RATE_HZ * self.duration_s

    def rng(self, layer: str) -> np.random.Generator:
        """Return the layer's own generator: a layer taken out leaves the others as they were."""
        return np.random.default_rng((self.seed, zlib.crc32(layer.encode())))

    def silence(self) -> Floats:
        """Return a track with nothing on it."""
        return np.zeros((2, self.count), np.float32)


def seconds(count: int, start_s: float = 0.0) -> Floats:
    """Return the time of each sample, float32 [count]."""
    return (np.arange(count) / RATE_HZ + start_s).astype(np.float32)


def band(low_hz: float, high_hz: float, order: int = 2) -> Gain:
    """Return the gain of a band-pass filter of Butterworth's shape."""

    def gain(hz: Floats) -> Floats:
        below, above = (low_hz / hz) ** (2 * order), (hz / high_hz) ** (2 * order)
        return (1 / np.sqrt((1 + below) * (1 + above))).astype(np.float32)

    return gain


def shaped(count: int, gain: Gain, rng: np.random.Generator, *, together: float = 0.5) -> Floats:
    """Return noise with a spectral envelope; the channels share `together` of their power."""
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 1).astype(np.float32)
    draws = rng.standard_normal((3, 2, len(hz)), dtype=np.float32)
    own, both = np.float32((1 - together) ** 0.5), np.float32(together**0.5)
    lines = (draws[:2] * own + draws[2] * both) * gain(hz)
    noise = np.fft.irfft(lines[:, 0] + np.complex64(1j) * lines[:, 1], count)
    return (noise / max(float(noise.std()), 1e-9)).astype(np.float32)


def drift(count: int, rng: np.random.Generator, rate_hz: float, low: float, high: float) -> Floats:
    """Return a curve that wanders between two values with about `rate_hz` turns a second."""
    points = rng.uniform(low, high, int(count / RATE_HZ * rate_hz) + 5)
    rounded = np.convolve(points, (0.25, 0.5, 0.25), "valid")
    coarse = np.linspace(0, count / RATE_HZ * rate_hz, 40 * len(points))
    step = np.floor(coarse).astype(int).clip(0, len(rounded) - 2)
    u = coarse - step
    u = u * u * (3 - 2 * u)
    eased = rounded[step] * (1 - u) + rounded[step + 1] * u
    return np.interp(np.arange(count), np.linspace(0, count, len(coarse)), eased).astype(np.float32)


def tone(pitch_hz: float, count: int, turn: float = 0.0) -> tuple[Floats, Floats]:
    """Return sine and cosine of a steady pitch, float32 [count] each; `turn` 0..1 is the start.

    An outer product of two short rows of rotations: no sine a sample.
    """
    step = 2j * np.pi * pitch_hz / RATE_HZ
    fine = np.exp(step * np.arange(_BLOCK)).astype(np.complex64)
    coarse = np.exp(step * _BLOCK * np.arange(-(-count // _BLOCK)) + 2j * np.pi * turn)
    spun = np.outer(coarse.astype(np.complex64), fine).reshape(-1)[:count]
    return np.ascontiguousarray(spun.imag), np.ascontiguousarray(spun.real)


def add_at(
    track: Floats, hit: NDArray[Any], at_s: float, pan: float = 0.5, gain: float = 1.0
) -> None:
    """Add a short sound, [2, n] or [n], to the track in place; what lies beyond its ends is cut.

    `pan` is 0 for left, 1 for right, at equal power; a stereo hit is only scaled.
    """
    start = round(at_s * RATE_HZ)
    first, last = max(0, -start), min(hit.shape[-1], track.shape[1] - start)
    if last <= first:
        return
    part = hit[..., first:last] * np.float32(gain)
    if part.ndim == 1:
        sides = np.array((np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2)), np.float32)
        part = part * sides[:, None]
    track[:, start + first : start + last] += part


def decay(count: int, half_s: float, attack_s: float = 0.002) -> Floats:
    """Return an envelope that rises in `attack_s` and then halves every `half_s`."""
    t = seconds(count)
    fall = np.exp2(-t / np.float32(half_s))
    end = np.clip((count - np.arange(count)) / (0.005 * RATE_HZ), 0, 1)
    return (np.clip(t / np.float32(attack_s), 0, 1) * fall * end).astype(np.float32)


def unit(track: NDArray[Any]) -> Floats:
    """Return the track at an RMS of 1; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(track), dtype=np.float64)))
    scale = 1 / rms if rms > 1e-9 else 1.0
    return (track * np.float32(scale)).astype(np.float32, copy=False)
