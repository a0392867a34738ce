"""The sampler of distilled weights, against the recurrence that they were distilled with."""

from __future__ import annotations

import pytest

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.model import SHELF
from filmgate.engines.neural.profile import read_profile
from filmgate.engines.neural.sampler import set_sampler, steer, steps_of_each
from filmgate.engines.wan import WanEngine
from neural.watching import BRIEF, frames_from

FASTWAN = "fastwan2.2-ti2v-5b"
TOLD = [1000, 757, 522]


def nearest_level(timestep):
    """The noise level of a timestep among those that DMD trained on: a shift of 8, 1000 steps."""
    levels = [8 * k / 1000 / (1 + 7 * k / 1000) for k in range(1, 1001)]
    return min(levels, key=lambda level: abs(1000 * level - timestep))


def sampling_of(name):
    (found,) = (p.sampling for p in WanEngine.profiles() if p.name == name)
    return found


def test_fastwans_levels_are_those_it_was_distilled_at():
    sampling = sampling_of(FASTWAN)
    assert list(sampling.timesteps) == TOLD
    assert sampling.sigmas == pytest.approx([nearest_level(told) for told in TOLD], abs=1e-8)


def test_fastwan_predicts_the_film_and_noises_it_anew_at_every_step(weights, profile):
    """DMD's recurrence: x0 = x - s v(x, t); the next x = (1 - s') x0 + s' noise; the last is x0."""
    import torch

    sampling = sampling_of(FASTWAN)
    path = profile(
        call="guidance_scale = 1.0\nmax_sequence_length = 32",
        sampling=f'sampler = "lcm"\ntimesteps = {list(sampling.timesteps)}\n'
        f"sigmas = {list(sampling.sigmas)}",
    )
    path.write_text(path.read_text().replace("steps = 2", "steps = 3"))
    engine = WanEngine.configured({"wan_model": str(weights("wan-ti2v")), "wan_profile": str(path)})
    engine.warm()
    pipeline = SHELF.models()[-1].pipeline("text")
    seen, told, flows, films = [], [], [], []

    def heard(_, __, given, gave):
        seen.append(given["hidden_states"].clone())
        told.append(set(given["timestep"].flatten().tolist()))
        flows.append(gave[0].clone())

    pipeline.transformer.register_forward_hook(heard, with_kwargs=True)
    decode = pipeline.vae.decode

    def decoded(latents, **more):
        films.append(latents.clone())
        return decode(latents, **more)

    pipeline.vae.decode = decoded
    frames_from(engine, BRIEF)

    assert told == [{1000.0}, {757.0}, {522.0}], "every token of every step is told the same"
    noise = torch.Generator("cpu").manual_seed(BRIEF.seed)
    levels = [*map(nearest_level, TOLD), 0.0]
    x = torch.randn(seen[0].shape, generator=noise)
    for step, flow in enumerate(flows):
        assert torch.allclose(seen[step], x, atol=1e-5)
        film = x - levels[step] * flow
        fresh = torch.randn(x.shape, generator=noise)
        x = (1 - levels[step + 1]) * film + levels[step + 1] * fresh
    assert torch.allclose(films[0], x, atol=1e-5), "tiny weights: latents are not scaled"


def test_the_four_steps_are_eulers_at_the_timesteps_the_lora_was_trained_at(weights):
    import diffusers
    import torch

    pipeline = diffusers.DiffusionPipeline.from_pretrained(weights("wan-t2v-two"))
    sampling = sampling_of("wan2.2-a14b-4-steps")
    set_sampler(pipeline, sampling)
    steer(pipeline, sampling, torch.Generator("cpu"))
    pipeline.scheduler.set_timesteps(4, device="cpu")
    told = pipeline.scheduler.timesteps.tolist()
    assert told == pytest.approx([1000, 937.5, 833.3333, 625], abs=1e-3)
    x = torch.ones(1, 2, 3)
    for now, then in zip(told, [*told[1:], 0], strict=True):
        stepped = pipeline.scheduler.step(2 * x, torch.tensor(now), x, return_dict=False)[0]
        assert torch.allclose(stepped, x + (then - now) / 1000 * 2 * x, atol=1e-5)
        x = stepped


@pytest.mark.parametrize(
    ("name", "kind", "shares"),
    [
        ("wan2.2-t2v-a14b", "wan-t2v-two", (26, 14)),
        ("wan2.2-i2v-a14b", "wan-i2v-two", (15, 25)),
        ("wan2.2-a14b-4-steps", "wan-t2v-two", (2, 2)),
        ("wan2.2-a14b-4-steps", "wan-i2v-two", (2, 2)),
        ("wan2.2-ti2v-5b", "wan-ti2v", (50,)),
    ],
)
def test_the_steps_of_each_transformer_are_those_the_pipeline_gives_it(weights, name, kind, shares):
    import diffusers

    pipeline = diffusers.DiffusionPipeline.from_pretrained(weights(kind))
    sampling = sampling_of(name)
    assert steps_of_each(pipeline, sampling) == shares, "before the scheduler is replaced"
    set_sampler(pipeline, sampling)
    assert steps_of_each(pipeline, sampling) == shares, "and after"


def test_an_unknown_sampler_is_refused(weights):
    import diffusers

    pipeline = diffusers.DiffusionPipeline.from_pretrained(weights("wan-t2v"))
    wrong = read_profile(
        "wrong",
        'title = "t"\n[picture]\ngrid_px = 16\narea_min_px = 1\narea_max_px = 2\n'
        '[time]\nfps = 1\nframes_step = 4\nframes_max = 5\n[sampling]\nsteps = 1\nsampler = "ddim"',
    )
    with pytest.raises(EngineFailed, match="must be empty or one of lcm, euler, got 'ddim'"):
        set_sampler(pipeline, wrong.sampling)
