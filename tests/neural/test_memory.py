"""Memory that runs out, models that leave, and choices that save memory or time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmgate.domain.errors import ConfigError, EngineFailed
from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural.model import SHELF
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Unobserved
from neural.conftest import LTX2_CALL
from neural.watching import BRIEF, Witness, frames_from

MANY_STEPS = "mag_ratios = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]"


@pytest.fixture
def settings(weights, profile):
    return {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(profile())}


def failing(engine, *, times):
    """Let the engine's pipelines run out of memory so many times; give the list of tries."""
    import torch

    tries: list[str] = []
    shoot = engine.shoot

    def short_of_memory(model, mode, shot, on_step):
        tries.append("tiled" if model.levers.has_vae_tiling else "plain")
        if len(tries) <= times:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return shoot(model, mode, shot, on_step)

    engine.shoot = short_of_memory
    return tries


def test_memory_that_ran_out_is_freed_and_the_take_made_again(settings):
    engine = WanEngine.configured(settings)
    tries = failing(engine, times=1)
    assert len(frames_from(engine, BRIEF)) == 20
    assert tries == ["plain", "tiled"]
    (kept,) = SHELF.models()
    assert kept.levers.has_vae_tiling, "the model that did not fit has left"


def test_a_film_as_large_is_made_with_less_memory_at_once(settings):
    engine = WanEngine.configured(settings)
    tries = failing(engine, times=1)
    first = frames_from(engine, BRIEF)
    assert np.array_equal(first, frames_from(engine, BRIEF)), "seeds go on repeating"
    assert tries == ["plain", "tiled", "tiled"]


def test_memory_that_runs_out_twice_fails_with_the_reason(settings):
    engine = WanEngine.configured(settings)
    failing(engine, times=2)
    reason = "does not hold 21 frames of 96×64, even with offload and tiling"
    with pytest.raises(EngineFailed, match=reason):
        engine.make(BRIEF, Unobserved())
    assert SHELF.models() == ()
    assert len(frames_from(engine, BRIEF)) == 20, "and the next film is made"


def test_progress_does_not_fall_at_a_second_try(settings):
    engine = WanEngine.configured(settings)
    shoot, tries = engine.shoot, []

    def late(model, mode, shot, on_step):
        take = shoot(model, mode, shot, on_step)
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")
        return take

    engine.shoot = late
    witness = Witness()
    list(engine.make(BRIEF, witness).frames())
    assert len(tries) == 2
    assert witness.shares == sorted(set(witness.shares))


def test_the_model_longest_unused_leaves(weights, profile, settings):
    wan = WanEngine.configured(settings)
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    others = {"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)}
    wan.warm()
    LTX2Engine.configured(others).warm()
    assert len(SHELF.models()) == 1
    LTX2Engine.configured({**others, "neural_models_max": 2}).warm()
    WanEngine.configured({**settings, "neural_models_max": 2}).warm()
    assert len(SHELF.models()) == 2


@pytest.mark.parametrize(
    "chosen",
    [
        {"neural_vae_tiling": True},
        {"neural_attention": "native"},
        {"neural_text_encoder_on_cpu": True},
        {"neural_offload": "group"},
        {"neural_dtype": "bfloat16"},
        {"neural_quantization": "fp8_storage", "neural_dtype": "float32"},
        {"neural_cache": "first_block", "neural_cache_threshold": 0.5},
        {"neural_warm_sizes": "64x32"},
    ],
    ids=lambda chosen: next(iter(chosen)),
)
def test_a_lever_makes_whole_films_that_repeat(settings, chosen):
    engine = WanEngine.configured({**settings, **chosen})
    engine.warm()
    film = frames_from(engine, BRIEF)
    assert film.shape == (20, 72, 128, 3)
    assert np.array_equal(film, frames_from(engine, BRIEF))


def test_ltx2_computes_with_the_numbers_a_gpu_computes_with(weights, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    settings = {"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)}
    engine = LTX2Engine.configured({**settings, "neural_dtype": "bfloat16"})
    film = engine.make(BRIEF, Unobserved())
    assert len(list(film.frames())) == 20
    assert film.sound().shape == (2, 240_000)


def test_a_reader_of_prompts_on_the_cpu_gives_the_same_film(weights, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL.replace("max_sequence_length = 32", ""))
    settings = {"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)}
    plain = frames_from(LTX2Engine.configured(settings), BRIEF)
    apart = LTX2Engine.configured({**settings, "neural_text_encoder_on_cpu": True})
    assert np.array_equal(plain, frames_from(apart, BRIEF))


@pytest.mark.parametrize("cache", ["first_block", "magcache"])
def test_a_cache_skips_blocks(weights, profile, cache):
    path = profile(sampling=MANY_STEPS)
    path.write_text(path.read_text().replace("steps = 2", "steps = 8"))
    settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(path)}
    calls = {}
    for choice in ("off", cache):
        chosen = {**settings, "neural_cache": choice, "neural_cache_threshold": 1.0}
        engine = WanEngine.configured(chosen)
        engine.warm()
        transformer = SHELF.models()[-1].pipeline("text").transformer
        calls[choice] = 0

        def count(*_, choice=choice):
            calls[choice] += 1

        transformer.blocks[-1].attn1.register_forward_pre_hook(count)
        frames_from(engine, BRIEF)
    assert calls["off"] == 16, "eight steps, with and without the prompt"
    assert calls[cache] < 16


def test_a_lora_changes_the_film(settings, weights, tmp_path):
    peft = pytest.importorskip("peft")
    import diffusers
    import torch

    torch.manual_seed(0)
    kind = diffusers.WanTransformer3DModel
    transformer = kind.from_pretrained(weights("wan-ti2v"), subfolder="transformer")
    transformer.add_adapter(
        peft.LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_v"])
    )
    layers = peft.utils.get_peft_model_state_dict(transformer)
    diffusers.WanPipeline.save_lora_weights(tmp_path, transformer_lora_layers=layers)
    (file,) = tmp_path.glob("*.safetensors")
    plain = frames_from(WanEngine.configured(settings), BRIEF)
    changed = frames_from(WanEngine.configured({**settings, "wan_lora": str(file)}), BRIEF)
    assert not np.array_equal(plain, changed)


def test_a_gguf_file_stands_for_the_transformer(settings, weights, tmp_path):
    gguf = pytest.importorskip("gguf")
    import diffusers

    kind = diffusers.WanTransformer3DModel
    transformer = kind.from_pretrained(weights("wan-ti2v"), subfolder="transformer")
    file = tmp_path / "transformer.gguf"
    writer = gguf.GGUFWriter(file, "wan")
    for name, tensor in transformer.state_dict().items():
        writer.add_tensor(name, tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    plain = frames_from(WanEngine.configured(settings), BRIEF)
    read = frames_from(WanEngine.configured({**settings, "wan_gguf": str(file)}), BRIEF)
    assert np.array_equal(plain, read), "the same numbers, written in another form"


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_quantised_weights_make_films_that_repeat(settings, kind):
    pytest.importorskip("torchao")
    chosen = {**settings, "neural_quantization": kind, "neural_dtype": "bfloat16"}
    engine = WanEngine.configured(chosen)
    assert np.array_equal(frames_from(engine, BRIEF), frames_from(engine, BRIEF))


def test_magcache_without_its_ratios_says_what_is_missing(settings):
    engine = WanEngine.configured({**settings, "neural_cache": "magcache"})
    with pytest.raises(EngineFailed, match="needs mag_ratios in the profile 'tiny'"):
        engine.warm()


def test_a_cache_that_does_not_know_these_blocks_says_so(weights, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    settings = {
        "ltx2_model": str(weights("ltx2")),
        "ltx2_profile": str(path),
        "neural_cache": "first_block",
    }
    with pytest.raises(EngineFailed, match="does not suit these weights"):
        LTX2Engine.configured(settings).make(BRIEF, Unobserved())


def test_attention_that_is_not_there_says_so(settings):
    engine = WanEngine.configured({**settings, "neural_attention": "sage"})
    with pytest.raises(EngineFailed, match="neural_attention 'sage' cannot be used"):
        engine.warm()


def test_an_unknown_choice_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="neural_offload must be one of off, model, group"):
        WanEngine.configured({"neural_offload": "disk"})


def test_a_file_that_is_not_there_is_never_fetched(settings):
    engine = WanEngine.configured({**settings, "wan_lora": "somebody/lora"})
    with pytest.raises(EngineFailed, match="the weights file 'lora' is not a file"):
        engine.warm()


def test_no_weights_named_is_said_with_the_setting():
    with pytest.raises(EngineFailed, match="wan_model is not set"):
        WanEngine.configured({}).make(BRIEF, Unobserved())


def test_weights_that_are_not_here_are_never_fetched():
    engine = WanEngine.configured({"wan_model": "somebody/weights"})
    with pytest.raises(EngineFailed, match="`filmgate models pull somebody/weights` gets them"):
        engine.make(replace(BRIEF), Unobserved())
