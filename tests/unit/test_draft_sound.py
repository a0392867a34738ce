"""The sound of draft clips: exact, level, seeded, and without what the prompt takes out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Move, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.sound import ambience
from filmgate.engines.draft.sound.music import groove_bpm

RATE_HZ = 48_000
LOOK = Look(
    scene=SceneName.MEADOW, time=TimeOfDay.DAY, weather=Weather.CLEAR, moves=(Move.STATIC,),
    without=frozenset(), words=frozenset(), seed=3, duration_s=2,
)  # fmt: skip
LOOKS = [
    *(replace(LOOK, scene=scene) for scene in SceneName),
    replace(LOOK, scene=SceneName.CITY, time=TimeOfDay.NIGHT, weather=Weather.RAIN),
    replace(LOOK, time=TimeOfDay.NIGHT, weather=Weather.SNOW, tempo=3.0),
    replace(LOOK, weather=Weather.RAIN, words=frozenset({"storm", "sea", "fire"})),
    replace(LOOK, scene=SceneName.DANCER, without=frozenset({"music"}), tempo=0.4),
]


def power(sound: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Share of the power that lies in a band."""
    lines = np.abs(np.fft.rfft(sound.mean(axis=0))) ** 2
    hz = np.fft.rfftfreq(sound.shape[1], 1 / RATE_HZ)
    return float(lines[(hz >= low_hz) & (hz < high_hz)].sum() / lines.sum())


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.scene}-{look.weather}")
def test_every_sound_is_exact_level_and_within_its_peak(look: Look) -> None:
    sound = ambience(look, 3, look.seed)
    assert sound.shape == (2, 3 * RATE_HZ)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 0.89
    assert -20 < 20 * np.log10(sound.std()) < -17


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.scene}-{look.weather}")
def test_a_sound_begins_and_ends_in_silence(look: Look) -> None:
    sound = ambience(look, 2, look.seed)
    assert np.abs(sound[:, :2]).max() < 0.01
    assert np.abs(sound[:, -2:]).max() < 0.001
    assert np.abs(np.diff(sound[:, -RATE_HZ // 10 :])).max() < 0.2


@pytest.mark.parametrize("scene", SceneName)
def test_a_seed_repeats_every_sample_also_from_two_threads(scene: SceneName) -> None:
    look = replace(LOOK, scene=scene)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: ambience(look, 1, 5), range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("scene", SceneName)
def test_another_seed_sounds_otherwise(scene: SceneName) -> None:
    look = replace(LOOK, scene=scene)
    assert not np.array_equal(ambience(look, 1, 5), ambience(look, 1, 6))


@pytest.mark.parametrize(
    ("scene", "weather", "word"),
    [
        (SceneName.DANCER, Weather.CLEAR, "music"),
        (SceneName.MOOD, Weather.CLEAR, "music"),
        (SceneName.HIGHWAY, Weather.CLEAR, "cars"),
        (SceneName.CITY, Weather.CLEAR, "cars"),
        (SceneName.HIGHWAY, Weather.CLEAR, "birds"),
        (SceneName.MEADOW, Weather.CLEAR, "birds"),
        (SceneName.MEADOW, Weather.CLEAR, "cat"),
        (SceneName.CITY, Weather.RAIN, "rain"),
    ],
)
def test_what_a_prompt_takes_out_is_not_heard(
    scene: SceneName, weather: Weather, word: str
) -> None:
    look = replace(LOOK, scene=scene, weather=weather)
    bare = replace(look, without=frozenset({word}))
    assert not np.array_equal(ambience(look, 3, 3), ambience(bare, 3, 3))


def test_the_dance_has_a_kick_on_every_beat_at_120_bpm() -> None:
    sound = ambience(replace(LOOK, scene=SceneName.DANCER), 4, 3).mean(axis=0)
    lines = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    low = np.fft.irfft(np.where(hz < 110, lines, 0), len(sound))
    energy = (low.reshape(-1, RATE_HZ // 20) ** 2).mean(axis=1)  # 50 ms each, ten to a beat
    beat = energy.reshape(-1, 10).mean(axis=0)
    assert int(beat.argmax()) in (0, 1)
    assert beat[:2].max() > 2 * beat[8]


@pytest.mark.parametrize("tempo", [0.4, 1.0, 3.0])
def test_slow_and_fast_dances_keep_a_danceable_beat(tempo: float) -> None:
    bpm = groove_bpm(tempo)
    assert 80 <= bpm <= 165
    ratio = 120 * tempo / bpm
    assert min(abs(ratio - round(ratio)), abs(1 / ratio - round(1 / ratio))) < 1e-9


def test_birds_sing_by_day_and_crickets_at_night() -> None:
    night = replace(LOOK, time=TimeOfDay.NIGHT)
    no_birds = replace(night, without=frozenset({"birds"}))
    assert np.array_equal(ambience(night, 2, 3), ambience(no_birds, 2, 3))
    assert power(ambience(night, 3, 3), 3700, 5100) > 0.1


def test_thunder_is_heard_in_storms_only() -> None:
    rain = replace(LOOK, weather=Weather.RAIN)
    storm = replace(rain, words=frozenset({"storm"}))
    assert power(ambience(storm, 4, 3), 20, 160) > 2 * power(ambience(rain, 4, 3), 20, 160)


def test_a_layer_taken_out_leaves_the_other_layers_as_they_were() -> None:
    look = replace(LOOK, scene=SceneName.HIGHWAY)
    without = replace(look, without=frozenset({"birds"}))
    both, bare = ambience(look, 3, 3), ambience(without, 3, 3)
    assert float(np.corrcoef(both.ravel(), bare.ravel())[0, 1]) > 0.95


@pytest.mark.parametrize("scene", SceneName)
def test_no_sound_is_lost_in_mono(scene: SceneName) -> None:
    sound = ambience(replace(LOOK, scene=scene), 2, 3)
    assert sound.mean(axis=0).std() > 0.7 * sound.std()


def test_no_time_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 second, got 0"):
        ambience(LOOK, 0, 3)
