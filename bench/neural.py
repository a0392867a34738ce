"""How long open weights take on this machine's GPU, without any weights: true architectures at true
sizes, filled with random numbers.

    python -m bench.neural [--model ti2v-5b] [--steps 3] [--rows plain,compile,…] [--tiny]
    python -m bench.neural --calibrate WEIGHTS [--profile NAME]

Prints Markdown: seconds a sampling step, seconds to decode, seconds a clip at the profile's number
of steps, how often as fast that is as plain diffusers, and the peak of the GPU's memory; plain
diffusers first, then each lever alone, then the distilled form and a batch of two. A lever that
does not run here is a row that says why. The text encoder is left out, and so are caches: magcache
saves the share of steps that it skips, first_block what the weights let it. `--tiny` shrinks all,
to try this on a CPU. `--calibrate` makes one film with your weights and prints the line that
magcache needs in their profile.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import io
import statistics
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from bench.architectures import (
    SUBJECTS,
    Subject,
    pipeline_of,
    profile_named,
    shrunk,
    words_for,
)
from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers, Offload, Quantization, transformers_of
from filmgate.engines.neural.model import SHELF, Mode
from filmgate.engines.neural.sampler import steps_of_each
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Brief, Unobserved

NATIVE = Levers(attention="native")
"""Named in every row: what one row chose, diffusers keeps for the process."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a line of the table measures."""

    levers: Levers = NATIVE
    is_distilled: bool = False
    clips: int = 1
    """Made at once."""


ROWS = {
    "plain": Row(),
    "compile": Row(levers=replace(NATIVE, is_compiled=True)),
    "_native_cudnn": Row(levers=Levers(attention="_native_cudnn")),
    "_flash_3_hub": Row(levers=Levers(attention="_flash_3_hub")),
    "sage_hub": Row(levers=Levers(attention="sage_hub")),
    "fp8_storage": Row(levers=replace(NATIVE, quantization=Quantization.FP8_STORAGE)),
    "int8": Row(levers=replace(NATIVE, quantization=Quantization.INT8)),
    "fp8": Row(levers=replace(NATIVE, quantization=Quantization.FP8)),
    "vae_tiling": Row(levers=replace(NATIVE, has_vae_tiling=True)),
    "group_offload": Row(levers=replace(NATIVE, offload=Offload.GROUP)),
    "sequential_offload": Row(levers=replace(NATIVE, offload=Offload.SEQUENTIAL)),
    "distilled": Row(is_distilled=True),
    "batch_of_two": Row(clips=2),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One line of the table; times are of one clip, whatever was made at once."""

    step_s: float
    decode_s: float
    clip_s: float
    peak_gb: float


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", choices=[*SUBJECTS, "all"], default="all")
    options.add_argument("--steps", type=int, default=3, help="timed, after one that warms up")
    options.add_argument("--rows", default=",".join(ROWS), help="of the table; plain is the first")
    options.add_argument("--minutes", type=float, default=40, help="after which no row is begun")
    options.add_argument("--tiny", action="store_true", help="small enough for a CPU")
    options.add_argument("--calibrate", metavar="WEIGHTS", help="print mag_ratios of yours")
    options.add_argument("--profile", default="", help="theirs, if it is not told by them")
    chosen = options.parse_args()
    unknown = set(chosen.rows.split(",")) - set(ROWS)
    if unknown:
        options.error(f"no row is named {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    try:
        import torch
    except ImportError:
        sys.exit("This needs torch and diffusers: pip install 'filmgate[neural]'.")
    if chosen.calibrate:
        print(calibrated(chosen.calibrate, profile=chosen.profile))
        return
    if not torch.cuda.is_available() and not chosen.tiny:
        sys.exit("No GPU is visible to torch here; `--tiny` tries this program on the CPU.")
    print(f"{_machine()}; random weights, {chosen.steps} steps timed a row.\n")
    if chosen.tiny:
        torch.set_num_threads(1)
    ends_s = time.monotonic() + 60 * chosen.minutes
    for name, subject in SUBJECTS.items():
        if chosen.model in {name, "all"}:
            subject = shrunk(subject) if chosen.tiny else subject
            table(subject, chosen.rows.split(","), steps=chosen.steps, ends_s=ends_s)


def table(subject: Subject, names: list[str], *, steps: int, ends_s: float) -> None:
    """Print the table of one architecture; what is not begun before `ends_s` is left out."""
    print(f"### {subject.label}\n")
    print("| row | s a step | steps | s to decode | s a clip | × plain | peak GB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    plain_s: float | None = None
    for number, name in enumerate(names):
        began_s, row = time.monotonic(), ROWS[name]
        profile = profile_named(subject.distilled if row.is_distilled else subject.profile)
        try:
            if began_s > ends_s:
                raise EngineFailed("not measured: the minutes were over")  # noqa: TRY301
            found = measured(subject, row, profile_name=profile.name, steps=steps)
        except (EngineFailed, RuntimeError, ImportError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0][:140].replace("|", "/")
            print(f"| {name} | – | – | – | – | – | {reason} |", flush=True)
            continue
        finally:
            _free()
        plain_s = plain_s or found.clip_s
        print(
            f"| {name} | {found.step_s:.3f} | {profile.sampling.steps} | {found.decode_s:.2f}"
            f" | {found.clip_s:.1f} | {plain_s / found.clip_s:.2f} | {found.peak_gb:.1f} |",
            flush=True,
        )
        if number == 0 and len(names) > 1:
            rest_min = (time.monotonic() - began_s) * (len(names) - 1) / 60
            print(f"{subject.label}: about {rest_min:.0f} minutes to go", file=sys.stderr)
    print()


def measured(subject: Subject, row: Row, *, profile_name: str, steps: int) -> Measured:
    """Make some steps and decode their latents. Raises EngineFailed, RuntimeError."""
    import torch

    profile, levers = profile_named(profile_name), row.levers.settled()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    pipeline = pipeline_of(subject, levers, profile)
    times: list[float] = []

    def heard(_: Any, __: int, ___: Any, given: dict[str, Any]) -> dict[str, Any]:
        times.append(_now_s())
        return given

    latents = pipeline(
        **words_for(subject, levers, count=row.clips),
        width=subject.width_px,
        height=subject.height_px,
        num_frames=subject.frame_count,
        num_inference_steps=steps + 1,
        generator=torch.Generator("cpu").manual_seed(0),
        output_type="latent",
        return_dict=False,
        callback_on_step_end=heard,
        **{name: value for name, value in profile.call.items() if name != "sigmas"},
    )[0]
    step_s = statistics.median(later - earlier for earlier, later in pairwise(times)) / row.clips
    began_s = _now_s()
    with torch.no_grad():
        pipeline.vae.decode(latents.to(levers.device, pipeline.vae.dtype), return_dict=False)
    decode_s = (_now_s() - began_s) / row.clips
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return Measured(
        step_s=step_s,
        decode_s=decode_s,
        clip_s=step_s * profile.sampling.steps + decode_s,
        peak_gb=peak / 1e9,
    )


def calibrated(weights: str, *, profile: str) -> str:
    """Make one film; return the line of a profile that tells MagCache of these weights.

    diffusers prints a list for each transformer, with the prompt and without.
    """
    import diffusers

    engine = WanEngine.configured({"wan_model": weights, "wan_profile": profile})
    engine.warm()
    (model,) = SHELF.models()
    pipeline = model.pipeline(Mode.TEXT)
    transformers = transformers_of(pipeline)
    for transformer, count in zip(
        transformers, steps_of_each(pipeline, model.profile.sampling), strict=True
    ):
        config = diffusers.MagCacheConfig(calibrate=True, num_inference_steps=count)
        transformer.enable_cache(config)
    with contextlib.redirect_stdout(io.StringIO()) as told:
        engine.make(
            Brief(
                prompt="A cat walks through tall grass, wind, evening light",
                negative_prompt="",
                width_px=1280,
                height_px=720,
                fps=24,
                duration_s=5,
                seed=0,
            ),
            Unobserved(),
        )
    lists = [ast.literal_eval(line) for line in told.getvalue().splitlines() if line[:1] == "["
             and line[-1:] == "]"]  # fmt: skip
    branches = len(lists) // len(transformers)
    ratios = list[float]()
    for each in range(len(transformers)):
        of_this = lists[each * branches : (each + 1) * branches]
        ratios += [round(statistics.mean(step), 4) for step in zip(*of_this, strict=True)]
    return f"mag_ratios = {ratios}"


def _machine() -> str:
    """Return the date, the device and the versions that a figure belongs to."""
    import diffusers
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    today = datetime.now(UTC).date().isoformat()
    return f"{today}, {device}, torch {torch.__version__}, diffusers {diffusers.__version__}"


def _now_s() -> float:
    """Return the time, once the device has done all that it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _free() -> None:
    import torch

    torch.compiler.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
