"""What a model's weights want, read from one TOML file a model. It opens no weights.

[recognised]  facts of a folder that tell these weights from others
[picture]     grid and sizes          [time]   rate and length
[sampling]    steps, flow shift       [call]   further arguments of the pipeline, by name
[second_stage] what a second pass over enlarged latents wants, for pipelines that know one
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from filmgate.domain.errors import EngineFailed

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


class Picture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sizes a model makes."""

    grid_px: int
    """Both sides are multiples of it."""
    native_sizes_px: tuple[tuple[int, int], ...] = ()
    """Width and height it was trained at. Empty: any size between the two areas."""
    area_min_px: int
    area_max_px: int


class Time(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lengths a model makes."""

    fps: int
    frames_step: int
    """A take has a multiple of it and one more: the VAE's temporal compression."""
    frames_max: int
    """Frames of the longest take it was trained for."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the noise is taken away."""

    steps: int
    flow_shift: float | None = None
    """None: as the weights' own scheduler says."""
    shift_terminal: float | None = None
    """The lowest noise level of a shift that grows with the film. None: as the scheduler says."""
    sampler: str = ""
    """Empty: the weights' own scheduler. For distilled weights: `lcm`, which predicts the film and
    noises it anew at each step, or `euler`."""
    sigmas: tuple[float, ...] = ()
    """Noise levels of the steps, before any shift. Empty: the scheduler spaces them."""
    timesteps: tuple[float, ...] = ()
    """What the weights are told of these levels. Empty: the levels after the shift, times 1000."""
    mag_ratios: tuple[float, ...] = ()
    """One for each step of the film, for MagCache: how much larger what the blocks add is than at
    the step before. `python -m bench.neural --calibrate` prints it."""
    mag_retention: float = 0.2
    """The share of a transformer's steps, the first ones, that MagCache never skips."""


class SecondStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A short pass over the latents of the first one, made larger by an upsampler."""

    upsampler: str
    """The part that is its weights, where it is published: OWNER/NAME/PART."""
    lora: str = ""
    """The LoRA that this pass cannot do without, as it is published: OWNER/NAME/FILE."""
    picture: Picture
    """The sizes of the film; the first stage makes a fraction of them."""
    sigmas: tuple[float, ...]
    """Noise levels of its steps, exactly; noise up to the first is added before."""
    call: dict[str, Any] = {}
    """Arguments of the pipeline that replace those of the first stage."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    repository: str = ""
    transformer: str = ""
    licence: str = ""
    recognised: dict[str, Any] = {}
    picture: Picture
    time: Time
    sampling: Sampling
    call: dict[str, Any] = {}
    second_stage: SecondStage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One model's profile."""

    name: str
    title: str
    repository: str
    """Where its weights are published; nothing is fetched from there unasked."""
    licence: str
    picture: Picture
    time: Time
    sampling: Sampling
    recognised: Mapping[str, Any] = field(default_factory=dict[str, Any])
    call: Mapping[str, Any] = field(default_factory=dict[str, Any])
    transformer: str = ""
    """The part that stands for the transformer which the weights' index names; empty: that one."""
    second_stage: SecondStage | None = None

    @property
    def has_guidance(self) -> bool:
        """Whether a negative prompt has an effect."""
        scales = (self.call.get(name, 1.0) for name in ("guidance_scale", "audio_guidance_scale"))
        return any(float(scale) > 1 for scale in scales)

    def step_count(self, steps: int) -> int:
        """Return the steps of a whole take, of which the first stage makes so many."""
        return steps + (len(self.second_stage.sigmas) if self.second_stage else 0)

    def staged(self, *, is_upsampled: bool) -> Profile:
        """Return it for films of one stage, or of two: these have the sizes of the second.

        Raises EngineFailed if it has none.
        """
        if not is_upsampled:
            return replace(self, second_stage=None)
        if self.second_stage is None:
            raise EngineFailed(f"the profile {self.name!r} has no second stage for an upsampler")
        return replace(self, picture=self.second_stage.picture)

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Whether weights with these facts are this model's."""
        return bool(self.recognised) and all(
            facts.get(name) == value for name, value in self.recognised.items()
        )


def read_profile(name: str, text: str) -> Profile:
    """Read one profile. Raises EngineFailed with the rule that it breaks."""
    try:
        read = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise EngineFailed(f"the profile {name!r} is not valid: {error}") from error
    return Profile(
        name=name,
        title=read.title,
        repository=read.repository,
        licence=read.licence,
        picture=read.picture,
        time=read.time,
        sampling=read.sampling,
        recognised=read.recognised,
        call=read.call,
        transformer=read.transformer,
        second_stage=read.second_stage,
    )


def profiles_in(folder: Traversable) -> list[Profile]:
    """Return the profiles of a folder, by name."""
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [read_profile(f.name.removesuffix(".toml"), f.read_text("utf-8")) for f in files]


def chosen_profile(known: list[Profile], *, named: str, facts: Mapping[str, Any]) -> Profile:
    """Return the profile the operator named, a file or one of ours, or the one that fits the facts.

    Of several that fit, the one that asks for most facts wins. Raises EngineFailed.
    """
    if named.endswith(".toml"):
        path = Path(named).expanduser()
        if not path.is_file():
            raise EngineFailed(f"the profile {path.name!r} is not a file")
        return read_profile(path.stem, path.read_text(encoding="utf-8"))
    names = ", ".join(profile.name for profile in known)
    if named:
        found = [profile for profile in known if profile.name == named]
        if not found:
            raise EngineFailed(f"no profile is named {named!r}; there are {names}")
        return found[0]
    fitting = [profile for profile in known if profile.fits(facts)]
    if not fitting:
        raise EngineFailed(f"these weights are not known; name a profile: {names} or a file")
    return max(fitting, key=lambda profile: len(profile.recognised))
