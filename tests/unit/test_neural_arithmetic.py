"""Sizes, lengths and rates of open models: pure arithmetic, no weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural.framing import fitted, size_to_make
from filmgate.engines.neural.profile import Picture, Time
from filmgate.engines.neural.timing import Motion, at_rate, continued, plan
from filmgate.engines.wan import WanEngine

PROFILES = {
    profile.name: profile for kind in (WanEngine, LTX2Engine) for profile in kind.profiles()
}
TI2V, A14B = PROFILES["wan2.2-ti2v-5b"], PROFILES["wan2.2-t2v-a14b"]
LTX = PROFILES["ltx-2.5"]
SIZES = [
    *((832, 480), (480, 832), (624, 624)),
    *((1280, 720), (720, 1280), (960, 960), (1088, 832), (832, 1088)),
    *((1920, 1080), (1080, 1920), (1440, 1440), (1632, 1248), (1248, 1632)),
]


@pytest.mark.parametrize(
    ("profile", "promised", "made"),
    [
        (TI2V, (1280, 720), (1280, 704)),
        (TI2V, (720, 1280), (704, 1280)),
        (TI2V, (1920, 1080), (1280, 704)),
        (TI2V, (832, 480), (1280, 704)),
        (TI2V, (960, 960), (960, 960)),
        (A14B, (832, 480), (832, 480)),
        (A14B, (1280, 720), (1280, 720)),
        (A14B, (1920, 1080), (1280, 720)),
        (A14B, (624, 624), (624, 624)),
        (LTX, (1280, 720), (1280, 736)),
        (LTX, (1920, 1080), (1920, 1088)),
    ],
)
def test_a_size_is_made_at_the_models_own(profile, promised, made):
    assert size_to_make(profile.picture, *promised) == made


@pytest.mark.parametrize("name", sorted(PROFILES))
@pytest.mark.parametrize("promised", SIZES)
def test_every_promised_size_is_made_on_the_grid_with_little_cut_off(name, promised):
    picture = PROFILES[name].picture
    made = size_to_make(picture, *promised)
    assert all(side % picture.grid_px == 0 for side in made)
    assert math.prod(made) <= picture.area_max_px * 1.12
    scale = max(promised[0] / made[0], promised[1] / made[1])
    assert math.prod(promised) / (math.prod(made) * scale**2) > 0.93


def test_a_frame_is_cut_at_its_centre_and_never_stretched():
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[:, 50:150] = 200
    square = fitted(frame, 60, 60)
    assert square.shape == (60, 60, 3)
    assert square.min() > 190, "the middle half of the width is all that is left"


@pytest.mark.parametrize(
    ("time", "duration_s", "takes", "kept"),
    [
        (TI2V.time, 5, (121,), 120),
        (TI2V.time, 10, (121, 121), 240),
        (A14B.time, 5, (81,), 80),
        (A14B.time, 10, (81, 81), 160),
        (LTX.time, 5, (121,), 120),
        (LTX.time, 10, (241,), 240),
    ],
)
def test_one_frame_more_is_made_and_dropped(time, duration_s, takes, kept):
    film = plan(time, duration_s=duration_s, may_continue=True)
    assert (film.takes, film.kept) == (takes, kept)
    assert sum(takes) - (len(takes) - 1) == kept + 1


def test_a_model_that_cannot_continue_makes_one_long_take():
    film = plan(A14B.time, duration_s=10, may_continue=False)
    assert film.takes == (161,)


@pytest.mark.parametrize("step", [4, 8])
@pytest.mark.parametrize("duration_s", [1, 5, 7, 10])
def test_takes_always_suffice(step, duration_s):
    time = Time(fps=7, frames_step=step, frames_max=25)
    film = plan(time, duration_s=duration_s, may_continue=True)
    assert all(count % step == 1 for count in film.takes)
    assert sum(film.takes) - (len(film.takes) - 1) >= film.kept


def grey(level: int) -> np.ndarray:
    return np.full((16, 16, 3), level, np.uint8)


def test_light_does_not_jump_at_a_seam():
    """The later take renders the shared frame 20 levels too bright."""
    earlier, later = [grey(100)] * 3, [grey(120)] * 13
    joined = [int(frame.mean()) for frame in continued(earlier, later, fps=24)]
    assert len(joined) == 15
    assert joined[:3] == [100, 100, 100]
    assert joined[-1] == 120
    assert max(np.diff(joined)) <= 4


@pytest.mark.parametrize("motion", list(Motion))
def test_speed_stays_when_the_rate_grows(motion):
    """A bar that moves 6 px a second at 16 fps is where it must be at 24 fps, within a step."""
    made = []
    for index in range(17):
        frame = np.zeros((32, 64, 3), np.uint8)
        frame[:, 8 + 2 * index : 12 + 2 * index] = 255
        made.append(frame)
    shown = list(at_rate(made, made_fps=16, fps=24, count=24, motion=motion))
    assert len(shown) == 24
    places = [float((np.arange(64) * f[16, :, 0]).sum() / f[16, :, 0].sum()) for f in shown]
    wanted = [9.5 + 2 * 16 * index / 24 for index in range(24)]
    assert max(abs(p - w) for p, w in zip(places, wanted, strict=True)) < 2.01
    assert np.array_equal(shown[0], made[0])
    assert np.array_equal(shown[3], made[2]), "a moment that the model made is shown as made"


def test_frames_between_show_the_motion_between():
    made = []
    for index in range(3):
        frame = np.zeros((64, 64, 3), np.uint8)
        frame[20:40, 10 + 8 * index : 26 + 8 * index] = (200, 180, 90)
        made.append(frame)
    (_, between) = at_rate(made, made_fps=12, fps=24, count=2, motion=Motion.FLOW)
    row = between[30, :, 0].astype(float)
    assert abs((np.arange(64) * row).sum() / row.sum() - 21.5) < 1.5


def test_profiles_tell_their_models_apart():
    """Each that can be told by its weights is told alone, or asks for more than another."""
    facts = {
        "wan2.2-ti2v-5b": {"pipeline": "WanPipeline", "expand_timesteps": True, "heads": 24},
        "wan2.2-t2v-a14b": {"pipeline": "WanPipeline", "has_two_transformers": True},
        "wan2.2-i2v-a14b": {"pipeline": "WanImageToVideoPipeline", "has_two_transformers": True},
        "ltx-2.5": {"pipeline": "LTX2Pipeline", "has_duration_head": True},
    }
    for name, found in facts.items():
        assert [p.name for p in PROFILES.values() if p.fits(found)] == [name]


def test_a_distilled_profile_asks_for_no_guidance():
    for name in ("ltx-2.5", "ltx-2.3-distilled", "fastwan2.2-ti2v-5b", "wan2.2-a14b-4-steps"):
        assert not PROFILES[name].has_guidance
    assert PROFILES["ltx-2.3"].has_guidance


def test_ltx2_profiles_give_every_scale():
    """What is left out takes a default that makes three forwards of each step."""
    scales = {"guidance_scale", "stg_scale", "modality_scale", "guidance_rescale"}
    for profile in LTX2Engine.profiles():
        assert scales | {f"audio_{scale}" for scale in scales} <= set(profile.call)


def test_a_size_far_from_all_native_ones_keeps_its_shape():
    picture = Picture(grid_px=16, native_sizes_px=((832, 480),), area_min_px=1, area_max_px=400_000)
    made = size_to_make(picture, 500, 1500)
    assert abs(made[1] / made[0] - 3) < 0.15
