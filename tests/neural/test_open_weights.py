"""Both engines over diffusers keep the engine contract and their own promises, with true pipelines
of tiny weights on the CPU.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from filmgate.domain.errors import EngineFailed
from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural.shot import Take
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Unobserved
from filmgate.testing.engine_contract import check_engine
from neural.conftest import LTX2_CALL
from neural.watching import BRIEF, Witness, frames_from, red_and_blue

GUIDED = LTX2_CALL.replace("\nguidance_scale = 1.0", "\nguidance_scale = 3.0")


@pytest.fixture
def ti2v(weights, profile):
    settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(profile())}
    return WanEngine.configured(settings)


@pytest.fixture
def ltx2(weights, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    return LTX2Engine.configured({"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)})


@pytest.mark.parametrize("kind", ["wan-ti2v", "wan-t2v", "wan-t2v-two"])
def test_wan_keeps_the_engine_contract(weights, profile, kind):
    settings = {"wan_model": str(weights(kind)), "wan_profile": str(profile())}
    check_engine(WanEngine.configured(settings))


@pytest.mark.parametrize("kind", ["ltx2", "ltx2.5"])
def test_ltx2_keeps_the_engine_contract(weights, profile, kind):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    settings = {"ltx2_model": str(weights(kind)), "ltx2_profile": str(path)}
    check_engine(LTX2Engine.configured(settings))


def test_a_seed_repeats_every_frame_after_loading_again(weights, profile):
    settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(profile())}
    first = frames_from(WanEngine.configured(settings), BRIEF)
    from filmgate.engines.neural.model import SHELF

    SHELF.clear()
    again = frames_from(WanEngine.configured(settings), BRIEF)
    other = frames_from(WanEngine.configured(settings), replace(BRIEF, seed=8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_negative_prompt_changes_a_guided_film(ti2v):
    plain = frames_from(ti2v, BRIEF)
    assert not np.array_equal(plain, frames_from(ti2v, replace(BRIEF, negative_prompt="blurry")))


def test_ten_seconds_continue_from_the_last_frame(ti2v):
    """A five-second model makes two takes; the first five seconds are those of a short film."""
    shoot, begun_on, made = ti2v.shoot, [], []

    def noted(model, mode, shot, on_step):
        begun_on.append(shot.image)
        made.append(shoot(model, mode, shot, on_step).frames)
        return Take(frames=made[-1])

    short = frames_from(ti2v, BRIEF)
    ti2v.shoot = noted
    long = frames_from(ti2v, replace(BRIEF, duration_s=10))
    assert len(long) == 40
    assert np.array_equal(long[:20], short)
    assert begun_on[0] is None
    assert np.array_equal(begun_on[1], made[0][-1])
    steps = np.abs(np.diff(long.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))
    assert steps[19:22].max() <= 2 * np.median(steps)


def test_a_picture_begins_a_film_of_the_same_weights(ti2v, tmp_path):
    picture = red_and_blue(tmp_path / "picture.png")
    dark = tmp_path / "dark.png"
    Image.new("RGB", (128, 72)).save(dark)
    film = frames_from(ti2v, replace(BRIEF, image_path=picture))
    assert film.shape == (20, 72, 128, 3)
    assert not np.array_equal(film, frames_from(ti2v, BRIEF))
    assert not np.array_equal(film, frames_from(ti2v, replace(BRIEF, image_path=dark)))


def test_text_and_picture_may_have_weights_of_their_own(weights, profile, tmp_path):
    settings = {
        "wan_model": str(weights("wan-t2v-two")),
        "wan_image_model": str(weights("wan-i2v-two")),
        "wan_profile": str(profile()),
    }
    engine = WanEngine.configured(settings)
    picture = red_and_blue(tmp_path / "picture.png")
    assert len(frames_from(engine, replace(BRIEF, duration_s=10))) == 40
    assert len(frames_from(engine, replace(BRIEF, image_path=picture))) == 20


def test_weights_that_take_no_picture_say_so(weights, profile, tmp_path):
    settings = {"wan_model": str(weights("wan-t2v")), "wan_profile": str(profile())}
    brief = replace(BRIEF, image_path=red_and_blue(tmp_path / "picture.png"))
    with pytest.raises(EngineFailed, match="take no start image; wan_image_model names others"):
        WanEngine.configured(settings).make(brief, Unobserved())


def test_weights_that_need_a_picture_say_so(weights, profile):
    settings = {"wan_image_model": str(weights("wan-i2v-two")), "wan_profile": str(profile())}
    with pytest.raises(EngineFailed, match="need a start image; wan_model names others"):
        WanEngine.configured(settings).make(BRIEF, Unobserved())


def test_progress_never_falls_and_previews_come(ti2v):
    witness = Witness()
    frames = list(ti2v.make(replace(BRIEF, duration_s=10), witness).frames())
    assert len(frames) == 40
    assert witness.shares == sorted(witness.shares)
    assert len([share for share in witness.shares if share <= 0.9]) == 4, "one a sampling step"
    assert witness.shares[-1] == 1.0
    assert witness.pictures[0].dtype == np.uint8
    assert witness.pictures[0].shape[2] == 3


def test_distilled_weights_use_the_noise_levels_of_their_profile(weights, profile, monkeypatch):
    path = profile(
        sampling='sampler = "lcm"\nsigmas = [1.0, 0.5]',
        call="guidance_scale = 1.0\nmax_sequence_length = 32",
    )
    settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(path)}
    engine = WanEngine.configured(settings)
    assert np.array_equal(frames_from(engine, BRIEF), frames_from(engine, BRIEF))
    from filmgate.engines.neural.model import SHELF

    (model,) = SHELF.models()
    scheduler = model.pipeline("text").scheduler
    assert type(scheduler).__name__ == "FlowMatchLCMScheduler"
    assert scheduler.sigmas.tolist() == [1.0, 0.5, 0.0]


def test_ltx2_brings_its_own_sound(ltx2, tmp_path):
    film = ltx2.make(BRIEF, Unobserved())
    assert len(list(film.frames())) == 20
    sound = film.sound()
    assert sound is not None
    assert sound.shape == (2, 240_000)
    assert np.abs(sound[:, :200_000]).max() > 0
    brief = replace(BRIEF, image_path=red_and_blue(tmp_path / "picture.png"), duration_s=10)
    long = ltx2.make(brief, Unobserved())
    assert len(list(long.frames())) == 40, "in one take: it was trained for twenty seconds"
    assert long.sound().shape == (2, 480_000)


def test_ltx2_makes_one_forward_a_step_without_guidance(ltx2):
    ltx2.warm()
    from filmgate.engines.neural.model import SHELF

    (model,) = SHELF.models()
    forwards = []
    model.pipeline("text").transformer.register_forward_pre_hook(lambda *_: forwards.append(1))
    frames_from(ltx2, BRIEF)
    assert len(forwards) == 2
