"""Sets a pipeline's scheduler as its profile wants it. The weights' own settings stay the rest."""

from __future__ import annotations

from typing import Any, cast

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.profile import Sampling

CONSISTENCY = "lcm"


def set_sampler(pipeline: Any, sampling: Sampling) -> None:
    """Replace the pipeline's scheduler where the profile asks for another. Raises EngineFailed."""
    diffusers, own = library("diffusers"), pipeline.scheduler
    if sampling.sampler == CONSISTENCY:
        shift = sampling.flow_shift or 1.0
        pipeline.scheduler = diffusers.FlowMatchLCMScheduler(shift=shift)
    elif sampling.sampler:
        raise EngineFailed(f"sampler must be empty or {CONSISTENCY}, got {sampling.sampler!r}")
    elif sampling.flow_shift is not None:
        name = "flow_shift" if "flow_shift" in own.config else "shift"
        kind = cast("Any", type(own))
        pipeline.scheduler = kind.from_config(own.config, **{name: sampling.flow_shift})


def sigmas_given(pipeline: Any, sigmas: tuple[float, ...]) -> None:
    """Make the scheduler use these noise levels whatever number of steps it is asked for.

    For pipelines whose call takes no noise levels.
    """
    scheduler = pipeline.scheduler
    kind = cast("Any", type(scheduler))

    def set_timesteps(*_: Any, device: Any = None, **__: Any) -> None:
        kind.set_timesteps(
            scheduler, num_inference_steps=len(sigmas), device=device, sigmas=list(sigmas)
        )

    scheduler.set_timesteps = set_timesteps
