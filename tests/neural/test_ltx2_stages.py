"""LTX-2 in two stages, and its undistilled weights: sizes, steps, sound and start pictures, with
true pipelines of tiny weights.
"""

from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filmgate.domain.errors import EngineFailed
from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural import shot as shots
from filmgate.engines.neural.model import SHELF
from filmgate.ports.engine import Unobserved, Unwanted
from filmgate.testing.engine_contract import check_engine
from neural.conftest import LTX2_CALL
from neural.watching import BRIEF, Witness, frames_from, red_and_blue

SECOND_STAGE = """
[second_stage]
upsampler = "Somebody/Upsampler"
{lora}
sigmas = [0.909375, 0.725, 0.421875]

[second_stage.picture]
grid_px = 64
area_min_px = 4096
area_max_px = 16384
"""
UNGUIDED = {
    "guidance_scale": 1.0,
    "audio_guidance_scale": 1.0,
    "stg_scale": 0.0,
    "audio_stg_scale": 0.0,
    "modality_scale": 1.0,
    "audio_modality_scale": 1.0,
}


def staged_profile(profile, lora: str = "") -> Path:
    """A profile of two steps, then three more at twice the size."""
    path = profile(step=8, frames_max=81, call=LTX2_CALL, sampling="sigmas = [1.0, 0.5]")
    path.write_text(path.read_text() + SECOND_STAGE.format(lora=lora))
    return path


@pytest.fixture
def settings(weights, profile):
    return {
        "ltx2_model": str(weights("ltx2")),
        "ltx2_profile": str(staged_profile(profile)),
        "ltx2_upsampler": str(weights("ltx2-upsampler")),
    }


@pytest.fixture
def engine(settings):
    return LTX2Engine.configured(settings)


def forwards_of(engine) -> list[dict]:
    """Load the model; give the list in which its transformer's calls will stand."""
    engine.warm()
    calls: list[dict] = []
    transformer = SHELF.models()[-1].pipeline("text").transformer

    def noted(_, __, given):
        calls.append(given)

    transformer.register_forward_pre_hook(noted, with_kwargs=True)
    return calls


def sizes_of(calls: list[dict]) -> list[tuple[int, int]]:
    return [(call["width"], call["height"]) for call in calls]


def test_two_stages_keep_the_engine_contract(engine):
    check_engine(engine)


def test_an_unguided_film_takes_one_forward_a_step_first_at_half_the_size(engine):
    calls = forwards_of(engine)
    film = frames_from(engine, BRIEF)
    assert film.shape == (20, 72, 128, 3)
    assert sizes_of(calls) == [(2, 2), (2, 2), (4, 4), (4, 4), (4, 4)]
    told = [round(float(call["timestep"].max()) / 1000, 6) for call in calls]
    assert told == [1.0, 0.5, 0.909375, 0.725, 0.421875], "as given: no shift moves them"


def test_guidance_is_of_the_first_stage_only(settings):
    path = Path(settings["ltx2_profile"])
    guided = LTX2_CALL.replace("\nguidance_scale = 1.0", "\nguidance_scale = 3.0")
    guided = guided.replace("\nmodality_scale = 1.0", "\nmodality_scale = 3.0")
    text = path.read_text().replace(LTX2_CALL, guided)
    path.write_text(f"{text}[second_stage.call]\nguidance_scale = 1.0\nmodality_scale = 1.0\n")
    engine = LTX2Engine.configured(settings)
    calls = forwards_of(engine)
    frames_from(engine, BRIEF)
    assert sizes_of(calls) == [(2, 2)] * 4 + [(4, 4)] * 3, "two forwards a step, then one"
    assert [call["hidden_states"].shape[0] for call in calls] == [2, 1, 2, 1, 1, 1, 1]


def test_the_sound_goes_through_both_stages(engine, settings):
    calls = forwards_of(engine)
    film = engine.make(BRIEF, Unobserved())
    sound = film.sound()
    assert sound is not None
    assert sound.shape == (2, 240_000)
    assert np.abs(sound[:, :200_000]).max() > 0
    lengths = {call["audio_hidden_states"].shape[1] for call in calls}
    assert len(lengths) == 1, "it is as long in both"


def test_a_seed_repeats_both_stages_bit_for_bit(settings):
    first = frames_from(LTX2Engine.configured(settings), BRIEF)
    SHELF.clear()
    engine = LTX2Engine.configured(settings)
    assert np.array_equal(first, frames_from(engine, BRIEF))
    assert not np.array_equal(first, frames_from(engine, replace(BRIEF, seed=8)))


def test_the_upsampler_is_not_mixed_up_with_one_stage(settings):
    two = frames_from(LTX2Engine.configured(settings), BRIEF)
    chosen = {**settings, "neural_models_max": 2, "ltx2_upsampler": ""}
    engine = LTX2Engine.configured(chosen)
    calls = forwards_of(engine)
    one = frames_from(engine, BRIEF)
    assert len(calls) == 2
    assert one.shape == two.shape
    assert not np.array_equal(one, two)


def test_a_start_picture_is_read_again_at_full_size(engine, tmp_path):
    """The second stage keeps the picture itself, not what the upsampler made of a small one."""
    import torch
    from diffusers.pipelines.ltx2.utils import DEFAULT_IMAGE_CRF, apply_image_conditioning_crf

    picture = red_and_blue(tmp_path / "picture.png", 128, 128)
    calls = forwards_of(engine)
    brief = replace(BRIEF, height_px=128, image_path=picture)
    assert frames_from(engine, brief).shape == (20, 128, 128, 3)
    second = [call for call in calls if call["width"] == 4]
    firsts = [call["hidden_states"][:, :16] for call in second]
    assert all(torch.equal(firsts[0], other) for other in firsts[1:]), "no noise is put on it"
    (model,) = SHELF.models()
    pixels = apply_image_conditioning_crf(np.asarray(Image.open(picture)), DEFAULT_IMAGE_CRF)
    tensor = torch.from_numpy(pixels / 127.5 - 1).float().permute(2, 0, 1)[None, :, None]
    with torch.no_grad():
        read = engine.encoded(model.pipeline("text"), tensor)
    begun = firsts[0][0].T.reshape(8, 4, 4)
    assert torch.allclose(begun, read[0, :, 0], atol=1e-4)
    shown = model.view.picture(begun).astype(int)
    assert shown[:, :100, 0].mean() - shown[:, -100:, 0].mean() > 60, "red on the left"


def test_progress_counts_the_steps_of_both_stages(engine, monkeypatch):
    monkeypatch.setattr(shots, "PREVIEW_EVERY_S", 0.0)
    witness = Witness()
    engine.make(replace(BRIEF, duration_s=10), witness)
    steps = [round(share / 0.9 * 5, 6) for share in witness.shares if share <= 0.9]
    assert steps == [1, 2, 3, 4, 5]
    assert witness.shares == sorted(witness.shares)
    assert witness.shares[-1] == 1.0
    assert len(witness.pictures) == 5, "previews come in both"


class Impatient(Witness):
    """Wants the film no more after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def progress(self, share: float) -> None:
        super().progress(share)
        if len(self.shares) == self._steps:
            raise Unwanted


@pytest.mark.parametrize("steps", [1, 4])
def test_a_film_nobody_wants_is_left_at_once_in_either_stage(engine, steps):
    whole = frames_from(engine, BRIEF)
    calls = forwards_of(engine)
    with pytest.raises(Unwanted):
        engine.make(BRIEF, Impatient(steps))
    assert len(calls) == steps
    assert np.array_equal(whole, frames_from(engine, BRIEF)), "nothing is left of it"


@pytest.mark.parametrize(
    "chosen",
    [
        {"neural_offload": "group"},
        {"neural_offload": "model"},
        {"neural_vae_tiling": True},
        {"neural_dtype": "bfloat16"},
    ],
    ids=lambda chosen: "_".join(map(str, *chosen.items())),
)
def test_a_lever_holds_for_both_stages(settings, chosen):
    engine = LTX2Engine.configured({**settings, **chosen})
    film = frames_from(engine, BRIEF)
    assert film.shape == (20, 72, 128, 3)
    assert np.array_equal(film, frames_from(engine, BRIEF))


def test_the_upsampler_leaves_with_its_model(engine):
    engine.warm()
    upsampler = weakref.ref(SHELF.models()[0].beside)
    SHELF.clear()
    gc.collect()
    assert upsampler() is None


# ---- the LoRA of the second stage


@pytest.fixture
def lora_file(weights, tmp_path) -> Path:
    peft = pytest.importorskip("peft")
    import diffusers
    import torch

    torch.manual_seed(0)
    kind = diffusers.LTX2VideoTransformer3DModel
    transformer = kind.from_pretrained(weights("ltx2"), subfolder="transformer")
    transformer.add_adapter(
        peft.LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_v"])
    )
    layers = peft.utils.get_peft_model_state_dict(transformer)
    diffusers.LTX2Pipeline.save_lora_weights(tmp_path, transformer_lora_layers=layers)
    (file,) = tmp_path.glob("*.safetensors")
    return file


@pytest.mark.parametrize(
    ("has_own", "quantization"),
    [(False, "off"), (True, "off"), (True, "fp8_storage")],
    ids=["alone", "besides_the_operators_own", "on_coarser_weights"],
)
def test_the_lora_works_in_the_second_stage_only(
    settings, profile, lora_file, has_own, quantization
):
    import torch

    own = {"ltx2_lora": str(lora_file)} if has_own else {}
    own |= {"neural_quantization": quantization}
    plain = LTX2Engine.configured({**settings, **own})
    without_calls = forwards_of(plain)
    without = frames_from(plain, BRIEF)
    named = {
        **settings,
        **own,
        "ltx2_profile": str(staged_profile(profile, 'lora = "Somebody/Weights/lora.safetensors"')),
        "ltx2_second_stage_lora": str(lora_file),
    }
    engine = LTX2Engine.configured(named)
    calls = forwards_of(engine)
    film = frames_from(engine, BRIEF)
    for step in range(3):  # what goes into the second stage's first step is made by the first stage
        before, now = without_calls[step]["hidden_states"], calls[step]["hidden_states"]
        assert torch.equal(before, now), step
    assert not torch.equal(without_calls[3]["hidden_states"], calls[3]["hidden_states"])
    assert not np.array_equal(without, film)
    assert np.array_equal(film, frames_from(engine, BRIEF)), "and is off again"


def test_undistilled_weights_ask_for_their_lora(settings, profile):
    path = staged_profile(profile, 'lora = "Somebody/Weights/lora.safetensors"')
    engine = LTX2Engine.configured({**settings, "ltx2_profile": str(path)})
    reason = "needs the LoRA Somebody/Weights/lora.safetensors: ltx2_second_stage_lora names"
    with pytest.raises(EngineFailed, match=reason):
        engine.warm()


# ---- what cannot be


def test_an_upsampler_that_does_something_else_is_refused(settings, weights, tmp_path):
    folder = shutil.copytree(weights("ltx2-upsampler") / "latent_upsampler", tmp_path / "other")
    config = folder / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"spatial_upsample": true', '"spatial_upsample": false'))
    config.write_text(
        config.read_text().replace('"temporal_upsample": false', '"temporal_upsample": true')
    )
    engine = LTX2Engine.configured({**settings, "ltx2_upsampler": str(folder)})
    with pytest.raises(EngineFailed, match="upsampler"):
        engine.warm()


def test_a_folder_without_an_upsampler_says_so(settings, weights):
    engine = LTX2Engine.configured({**settings, "ltx2_upsampler": str(weights("ltx2"))})
    with pytest.raises(EngineFailed, match="'ltx2' have no latent_upsampler/"):
        engine.warm()


def test_a_profile_of_one_stage_takes_no_upsampler(settings, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    engine = LTX2Engine.configured({**settings, "ltx2_profile": str(path)})
    with pytest.raises(EngineFailed, match="'tiny' has no second stage"):
        engine.warm()


# ---- the profiles


def test_the_full_profile_loads_the_full_transformer_and_no_other(weights, tmp_path):
    import safetensors.torch

    folder = shutil.copytree(weights("ltx2.5"), tmp_path / "weights")
    shutil.rmtree(folder / "transformer")
    settings = {"ltx2_model": str(folder), "ltx2_profile": "ltx-2.5-full"}
    LTX2Engine.configured(settings).warm()
    (model,) = SHELF.models()
    pipeline = model.pipeline("text")
    (file,) = (folder / "transformer_full").glob("*.safetensors")
    expected = safetensors.torch.load_file(file)
    loaded = pipeline.transformer.state_dict()
    assert all(np.array_equal(loaded[name], tensor) for name, tensor in expected.items())
    assert pipeline.scheduler.config.use_dynamic_shifting
    assert pipeline.scheduler.config.shift_terminal == 0.1


def test_the_full_transformer_may_be_kept_smaller(weights, tmp_path):
    pytest.importorskip("torchao")
    folder = shutil.copytree(weights("ltx2.5"), tmp_path / "weights")
    shutil.rmtree(folder / "transformer")
    settings = {"ltx2_model": str(folder), "ltx2_profile": "ltx-2.5-full"}
    smaller = {"neural_quantization": "int8", "neural_dtype": "bfloat16"}
    LTX2Engine.configured({**settings, **smaller}).warm()
    (model,) = SHELF.models()
    block = model.pipeline("text").transformer.transformer_blocks[0]
    assert type(block.attn1.to_q.weight).__name__ == "Int8Tensor"


def test_the_distilled_profile_is_told_by_the_weights(weights):
    LTX2Engine.configured({"ltx2_model": str(weights("ltx2.5"))}).warm()
    (model,) = SHELF.models()
    assert model.profile.name == "ltx-2.5"


def test_every_profile_is_as_diffusers_documents():
    from diffusers.pipelines.ltx2 import utils

    profiles = {profile.name: profile for profile in LTX2Engine.profiles()}
    assert set(profiles) == {"ltx-2", "ltx-2.3", "ltx-2.3-distilled", "ltx-2.5", "ltx-2.5-full"}
    for name, profile in profiles.items():
        second = profile.second_stage
        assert second is not None
        assert list(second.sigmas) == utils.STAGE_2_DISTILLED_SIGMA_VALUES
        is_distilled = bool(profile.sampling.sigmas)
        assert is_distilled is not bool(second.lora), name
        assert {**profile.call, **second.call}.items() >= UNGUIDED.items(), name
        assert second.picture.grid_px == 2 * profile.picture.grid_px
        if is_distilled:
            assert list(profile.sampling.sigmas) == utils.DISTILLED_SIGMA_VALUES
            assert profile.sampling.steps == len(utils.DISTILLED_SIGMA_VALUES)
            assert profile.call.items() >= UNGUIDED.items(), name
        else:
            assert profile.has_guidance, name
