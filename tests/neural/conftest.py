"""Weights for all tests of this folder, built here: tiny, random, of the true classes.

Where torch and diffusers are not installed, the tests are skipped and say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything reads it: no test asks the network

WAN_CALL = "guidance_scale = 5.0\nmax_sequence_length = 32"
LTX2_CALL = """
guidance_scale = 1.0
audio_guidance_scale = 1.0
stg_scale = 0.0
audio_stg_scale = 0.0
modality_scale = 1.0
audio_modality_scale = 1.0
guidance_rescale = 0.0
audio_guidance_rescale = 0.0
max_sequence_length = 32
"""
PROFILE = """
title = "Tiny"

[picture]
grid_px = 32
native_sizes_px = [[64, 32], [32, 64]]
area_min_px = 2048
area_max_px = 4096

[time]
fps = {fps}
frames_step = {step}
frames_max = {frames_max}

[sampling]
steps = 2
{sampling}

[call]
{call}
"""

Weights = Callable[[str], Path]
WriteProfile = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Somebody else's warnings do not fail these tests."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="session", autouse=True)
def _the_extra_is_installed() -> None:
    for package in ("torch", "diffusers"):
        pytest.importorskip(package, reason=f"no {package} here: requirements/neural.txt has it")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Gives the folder of one kind of weights."""
    import torch

    from neural.tiny_weights import build

    torch.set_num_threads(1)
    built: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in built:
            built[kind] = build(kind, tmp_path_factory.mktemp("weights") / kind)
        return built[kind]

    return folder


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> WriteProfile:
    """Writes a profile for tiny films."""

    def write(
        name: str = "tiny",
        *,
        fps: int = 4,
        step: int = 4,
        frames_max: int = 21,
        call: str = WAN_CALL,
        sampling: str = "",
    ) -> Path:
        path = tmp_path_factory.mktemp("profiles") / f"{name}.toml"
        path.write_text(
            PROFILE.format(fps=fps, step=step, frames_max=frames_max, call=call, sampling=sampling)
        )
        return path

    return write


@pytest.fixture(autouse=True)
def _an_empty_shelf() -> Iterator[None]:
    """No test sees the models of another."""
    yield
    from filmgate.engines.neural.model import SHELF

    SHELF.clear()
