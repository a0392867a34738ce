"""What a lever does: which work a cache saves, what is kept how, and what goes together."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Cache, Levers, Offload, Quantization, spread
from filmgate.engines.neural.model import SHELF
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Unobserved, Unwanted
from neural.watching import BRIEF, frames_from

RATIOS = [1.0, 0.99, 0.99, 0.98, 0.95, 0.98, 0.9, 0.9]


@pytest.fixture
def settings(weights, profile):
    return {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(profile())}


@pytest.fixture
def stepped(weights, profile):
    """Gives settings for films of so many steps with these ratios."""

    def chosen(kind, sampling, *, steps):
        path = profile(sampling=sampling)
        path.write_text(path.read_text().replace("steps = 2", f"steps = {steps}"))
        return {"wan_model": str(weights(kind)), "wan_profile": str(path)}

    return chosen


def with_magcache(settings, **more):
    return WanEngine.configured({**settings, "neural_cache": "magcache", **more})


def watched(transformer):
    """Give a list that grows by every forward: whether its blocks computed."""
    made: list[bool] = []
    transformer.register_forward_pre_hook(lambda *_: made.append(False))
    transformer.blocks[-1].attn1.register_forward_pre_hook(lambda *_: made.__setitem__(-1, True))
    return made


def computed(ratios, *, retained, threshold=0.06):
    """MagCache's rule (arXiv:2506.09045, algorithm 1), at most two steps in a row skipped."""
    made, ratio, error, skipped = [], 1.0, 0.0, 0
    for step, each in enumerate(ratios):
        ratio, skipped = ratio * each, skipped + 1
        error += abs(1 - ratio)
        must = step < retained or error > threshold or skipped > 2
        made.append(must)
        if must:
            ratio, error, skipped = 1.0, 0.0, 0
    return made


# ---- MagCache


def test_magcache_follows_the_ratios_with_and_without_the_prompt(stepped):
    engine = with_magcache(stepped("wan-ti2v", f"mag_ratios = {RATIOS}", steps=8))
    engine.warm()
    made = watched(SHELF.models()[-1].pipeline("text").transformer)
    film = frames_from(engine, BRIEF)
    rule = computed(RATIOS, retained=2)
    assert rule == [True, True, False, False, True, False, True, True]
    assert made[0::2] == rule, "the forwards with the prompt"
    assert made[1::2] == rule, "and those without"
    assert np.array_equal(film, frames_from(engine, BRIEF)), "the next film begins anew"
    assert made[16:] == made[:16]


def test_magcache_begins_anew_after_sizes_were_warmed_and_a_film_was_broken_off(stepped):
    settings = stepped("wan-ti2v", f"mag_ratios = {RATIOS}", steps=8)
    film = frames_from(with_magcache(settings), BRIEF)
    SHELF.clear()
    engine = with_magcache(settings, neural_warm_sizes="64x32")
    engine.warm()

    class Tired(Unobserved):
        def progress(self, share):
            if share > 0.3:
                raise Unwanted

    with pytest.raises(Unwanted):
        engine.make(BRIEF, Tired())
    assert np.array_equal(film, frames_from(engine, BRIEF))


@pytest.mark.parametrize(
    ("name", "kind", "skipped"),
    [
        ("wan2.1-t2v-1.3b", "wan-t2v", [23]),  # of 50
        ("wan2.2-ti2v-5b", "wan-ti2v", [25]),  # of 50; its authors: 639 s became 324
        ("wan2.2-t2v-a14b", "wan-t2v-two", [11, 3]),  # of 26 and 14; theirs: 1629 s became 1090
    ],
)
def test_our_profiles_skip_the_steps_that_magcaches_authors_skip(stepped, name, kind, skipped):
    (sampling,) = (p.sampling for p in WanEngine.profiles() if p.name == name)
    settings = stepped(
        kind,
        f"flow_shift = {sampling.flow_shift}\nmag_ratios = {list(sampling.mag_ratios)}\n"
        f"mag_retention = {sampling.mag_retention}",
        steps=sampling.steps,
    )
    engine = with_magcache(settings)
    engine.warm()
    pipeline = SHELF.models()[-1].pipeline("text")
    parts = [pipeline.transformer, getattr(pipeline, "transformer_2", None)]
    made = [watched(part) for part in parts if part is not None]
    frames_from(engine, BRIEF)
    assert [each.count(False) for each in made] == [2 * count for count in skipped]
    assert sum(len(each) for each in made) == 2 * sampling.steps
    for each in made:
        kept = int(sampling.mag_retention * len(each) / 2 + 0.5)
        assert all(each[: 2 * kept]), "the first steps of each transformer are made"


def test_ratios_are_spread_over_other_numbers_of_steps():
    assert spread([1.0, 0.9, 0.8], 3) == [1.0, 0.9, 0.8]
    assert spread([1.0, 0.9, 0.8], 5) == [1.0, 1.0, 0.9, 0.8, 0.8]
    assert spread([1.0, 0.9, 0.8, 0.7], 2) == [1.0, 0.7]
    assert spread([1.0, 0.9], 1) == [1.0]


# ---- how weights are kept, and where


@pytest.mark.parametrize("offload", ["model", "group"])
def test_weights_that_wait_elsewhere_make_the_same_film(settings, offload):
    plain = frames_from(WanEngine.configured(settings), BRIEF)
    apart = WanEngine.configured({**settings, "neural_offload": offload})
    assert np.array_equal(plain, frames_from(apart, BRIEF))
    assert np.array_equal(plain, frames_from(apart, BRIEF))


def test_sequential_offload_says_that_it_needs_a_gpu(settings):
    engine = WanEngine.configured({**settings, "neural_offload": "sequential"})
    with pytest.raises(EngineFailed, match="neural_offload sequential needs a GPU"):
        engine.warm()


def test_fp8_storage_keeps_the_blocks_in_a_byte_each(settings):
    import torch

    engine = WanEngine.configured({**settings, "neural_quantization": "fp8_storage"})
    engine.warm()
    transformer = SHELF.models()[-1].pipeline("text").transformer
    assert transformer.blocks[0].attn1.to_q.weight.dtype is torch.float8_e4m3fn
    assert transformer.patch_embedding.weight.dtype is torch.float32, "too coarse for the edges"


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_torchao_keeps_the_blocks_in_a_byte_each(settings, kind):
    pytest.importorskip("torchao")
    chosen = {**settings, "neural_quantization": kind, "neural_dtype": "bfloat16"}
    engine = WanEngine.configured(chosen)
    engine.warm()
    transformer = SHELF.models()[-1].pipeline("text").transformer
    kept = transformer.blocks[0].attn1.to_q.weight
    assert type(kept).__module__.startswith("torchao")
    assert kept.qdata.element_size() == 1


def test_a_lora_for_the_second_transformer_changes_the_film(weights, profile, tmp_path):
    peft = pytest.importorskip("peft")
    import diffusers
    import torch

    files = []
    for number in (0, 1):
        torch.manual_seed(number)
        kind = diffusers.WanTransformer3DModel
        transformer = kind.from_pretrained(weights("wan-t2v-two"), subfolder="transformer")
        transformer.add_adapter(
            peft.LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q", "to_v"])
        )
        layers = peft.utils.get_peft_model_state_dict(transformer)
        folder = tmp_path / str(number)
        diffusers.WanPipeline.save_lora_weights(folder, transformer_lora_layers=layers)
        files += map(str, folder.glob("*.safetensors"))
    settings = {"wan_model": str(weights("wan-t2v-two")), "wan_profile": str(profile())}
    films = [
        frames_from(WanEngine.configured({**settings, "wan_lora": ",".join(chosen)}), BRIEF)
        for chosen in ([], files[:1], files)
    ]
    assert not np.array_equal(films[0], films[1])
    assert not np.array_equal(films[1], films[2])


# ---- compiling


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """Where compiled code is kept, for both films."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling for the CPU takes g++")
@pytest.mark.parametrize("more", [{}, {"neural_quantization": "fp8_storage"}], ids=["", "fp8"])
def test_compiled_blocks_make_films_that_repeat(settings, more, compiled_once, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(compiled_once))
    plain = frames_from(WanEngine.configured({**settings, **more}), BRIEF)
    engine = WanEngine.configured({**settings, **more, "neural_compile": True})
    film = frames_from(engine, BRIEF)
    assert np.array_equal(film, frames_from(engine, BRIEF))
    assert np.abs(film.astype(int) - plain).max() <= 3, "another order of sums, no other film"


def test_blocks_with_hooks_are_not_compiled_as_one_graph():
    compiled = Levers(device="cuda", is_compiled=True)
    assert not compiled.has_hooks_in_blocks
    assert compiled.frugal().has_hooks_in_blocks, "memory that ran out makes it offload"
    for levers in (
        Levers(cache=Cache.FIRST_BLOCK),
        Levers(cache=Cache.MAGCACHE),
        Levers(offload=Offload.GROUP),
        Levers(quantization=Quantization.FP8_STORAGE),
    ):
        assert levers.has_hooks_in_blocks
