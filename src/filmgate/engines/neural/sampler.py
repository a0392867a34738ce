"""Sets a pipeline's scheduler as its profile wants it. The weights' own settings stay the rest."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.profile import Sampling

CONSISTENCY = "lcm"
SCHEDULERS = {CONSISTENCY: "FlowMatchLCMScheduler", "euler": "FlowMatchEulerDiscreteScheduler"}


def set_sampler(pipeline: Any, sampling: Sampling) -> None:
    """Replace the pipeline's scheduler where the profile asks for another. Raises EngineFailed."""
    pipeline.scheduler = _scheduler(pipeline.scheduler, sampling)


def _scheduler(own: Any, sampling: Sampling) -> Any:
    if sampling.sampler in SCHEDULERS:
        named = getattr(library("diffusers"), SCHEDULERS[sampling.sampler])
        return named(shift=sampling.flow_shift or 1.0)
    if sampling.sampler:
        names = ", ".join(SCHEDULERS)
        raise EngineFailed(f"sampler must be empty or one of {names}, got {sampling.sampler!r}")
    kind = cast("Any", type(own))
    if sampling.shift_terminal is not None:
        return kind.from_config(
            own.config, use_dynamic_shifting=True, shift_terminal=sampling.shift_terminal
        )
    if sampling.flow_shift is None:
        return own
    name = "flow_shift" if "flow_shift" in own.config else "shift"
    return kind.from_config(own.config, **{name: sampling.flow_shift})


def unshifted(scheduler: Any) -> Any:
    """Return a scheduler like this one that takes noise levels as they are given."""
    kind = cast("Any", type(scheduler))
    return kind.from_config(scheduler.config, use_dynamic_shifting=False, shift_terminal=None)


def steer(pipeline: Any, sampling: Sampling, noise: Any) -> None:
    """Make the scheduler go through the profile's noise levels, whatever number of steps it is
    asked for, and draw from `noise`: for pipelines whose call takes no levels, and gives the
    scheduler no generator.
    """
    scheduler = pipeline.scheduler
    kind = cast("Any", type(scheduler))
    if sampling.sigmas:

        def set_timesteps(*_: Any, device: Any = None, **__: Any) -> None:
            kind.set_timesteps(scheduler, device=device, **_levels(sampling))

        scheduler.set_timesteps = set_timesteps
    if sampling.sampler == CONSISTENCY:
        # Else it draws the noise that the latents began with: the global generator has their seed.
        scheduler.step = partial(kind.step, scheduler, generator=noise)


def _levels(sampling: Sampling) -> dict[str, Any]:
    if not sampling.sigmas:
        return {"num_inference_steps": sampling.steps}
    given = {"timesteps": list(sampling.timesteps)} if sampling.timesteps else {}
    count = len(sampling.sigmas)
    return {"num_inference_steps": count, "sigmas": list(sampling.sigmas), **given}


def steps_of_each(pipeline: Any, sampling: Sampling) -> tuple[int, ...]:
    """Return how many of a film's steps each transformer makes: of two, the first makes those from
    the pipeline's boundary up.
    """
    if getattr(pipeline, "transformer_2", None) is None:
        return (sampling.steps,)
    scheduler = _scheduler(pipeline.scheduler, sampling)
    scheduler.set_timesteps(**_levels(sampling))
    boundary = pipeline.config.boundary_ratio * scheduler.config.num_train_timesteps
    first = int((scheduler.timesteps >= boundary).sum())
    return first, len(scheduler.timesteps) - first
