"""What a model's weights want, read from one TOML file a model. It opens no weights.

[recognised]  facts of a folder that tell these weights from others
[picture]     grid and sizes          [time]   rate and length
[sampling]    steps, flow shift       [call]   further arguments of the pipeline, by name
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    sampler: str = ""
    """Empty: the weights' own scheduler; `lcm`: consistency steps, for distilled weights."""
    sigmas: tuple[float, ...] = ()
    """Noise levels of the steps, before any shift. Empty: the scheduler spaces them."""
    mag_ratios: tuple[float, ...] = ()
    """What MagCache needs to know of these weights; `bench/neural.py --calibrate` prints it."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    repository: str = ""
    licence: str = ""
    recognised: dict[str, Any] = {}
    picture: Picture
    time: Time
    sampling: Sampling
    call: dict[str, Any] = {}


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

    @property
    def has_guidance(self) -> bool:
        """Whether a negative prompt has an effect."""
        return float(self.call.get("guidance_scale", 1.0)) > 1

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
