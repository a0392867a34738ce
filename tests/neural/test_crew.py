"""One film made by two processes, as by two GPUs: on the CPU, over gloo, with tiny weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from filmgate.domain.errors import ConfigError, EngineFailed
from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural.crew import MUSTER
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.model import SHELF
from filmgate.engines.neural.ranks import sharing
from filmgate.engines.wan import WanEngine
from filmgate.media.probe import probe_film
from filmgate.ports.engine import Unobserved, Unwanted
from neural.conftest import LTX2_CALL
from neural.watching import BRIEF, Witness, frames_from, red_and_blue
from serving import children_of, serving, wait_until

LONG_S = 120
BY_TWO = {"neural_gpus": 2, "neural_device": "cpu"}
TESTS = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", autouse=True)
def _peers() -> Iterator[None]:
    """Those of this module: they find its engines, and none stays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS))
        yield
    MUSTER.dismiss()


@pytest.fixture
def wan(weights, profile):
    return {"wan_model": str(weights("wan-t2v")), "wan_profile": str(profile())}


@pytest.fixture
def ltx2(weights, profile):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    return {"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)}


def peers() -> list[int]:
    """The processes that make films with this one."""
    return peers_of(os.getpid())


def peers_of(pid: int) -> list[int]:
    return [
        child
        for child in children_of(pid)
        if "neural.peer" in Path(f"/proc/{child}/cmdline").read_text()
    ]


# ---- the film


def test_a_film_by_two_is_the_film_of_one(wan):
    alone = frames_from(WanEngine.configured(wan), BRIEF)
    assert np.array_equal(alone, frames_from(WanEngine.configured(wan | BY_TWO), BRIEF))
    assert len(peers()) == 1


def test_picture_and_sound_by_two_are_those_of_one(ltx2):
    alone = LTX2Engine.configured(ltx2).make(BRIEF, Unobserved())
    by_two = LTX2Engine.configured(ltx2 | BY_TWO).make(BRIEF, Unobserved())
    assert np.array_equal(list(alone.frames()), list(by_two.frames()))
    assert np.array_equal(alone.sound(), by_two.sound())


@pytest.mark.parametrize("family", ["wan", "ltx2"])
def test_ten_seconds_from_a_picture_are_made_by_two(family, weights, profile, ltx2, tmp_path):
    brief = replace(BRIEF, image_path=red_and_blue(tmp_path / "picture.png"), duration_s=10)
    if family == "wan":
        kind = WanEngine
        settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(profile())}
    else:
        kind, settings = LTX2Engine, ltx2
    alone = frames_from(kind.configured(settings), brief).astype(int)
    by_two = frames_from(kind.configured(settings | BY_TWO), brief)
    assert len(by_two) == 40
    assert np.abs(alone - by_two).max() <= 3, "sums of halves may round otherwise, and no more"


def test_each_makes_its_part(wan):
    seen = {}
    for gpus in (1, 2):
        engine = WanEngine.configured(wan | BY_TWO | {"neural_gpus": gpus})
        engine.warm()
        blocks = SHELF.models()[-1].pipeline("text").transformer.blocks

        def count(_, given, gpus=gpus):
            seen[gpus] = given[0].shape[1]

        blocks[1].register_forward_pre_hook(count)
        frames_from(engine, BRIEF)
    assert seen[2] * 2 == seen[1]


@pytest.mark.parametrize("offload", ["group", "model"])
def test_films_by_two_go_with_offload(wan, offload):
    alone = frames_from(WanEngine.configured(wan), BRIEF).astype(int)
    engine = WanEngine.configured(wan | BY_TWO | {"neural_offload": offload})
    assert np.abs(alone - frames_from(engine, BRIEF)).max() <= 3


def test_two_models_share_a_crew(wan, ltx2):
    chosen = BY_TWO | {"neural_models_max": 2}
    films = {WanEngine: [], LTX2Engine: []}
    for kind, settings in [(WanEngine, wan), (LTX2Engine, ltx2), (WanEngine, wan)]:
        films[kind].append(frames_from(kind.configured(settings | chosen), BRIEF))
    assert len(SHELF.models()) == 2
    assert len(peers()) == 1
    assert np.array_equal(*films[WanEngine])


# ---- the end of a film


class NotWanted(Witness):
    """Its film is not wanted after the first step."""

    def progress(self, share: float) -> None:
        raise Unwanted


def test_a_film_nobody_wants_leaves_both_ready(wan):
    engine = WanEngine.configured(wan | BY_TWO)
    film = frames_from(engine, BRIEF)
    those = peers()
    with pytest.raises(Unwanted):
        engine.make(BRIEF, NotWanted())
    assert np.array_equal(film, frames_from(engine, BRIEF))
    assert peers() == those


def test_memory_that_ran_out_here_is_tried_again_by_new_peers(wan):
    import torch

    engine = WanEngine.configured(wan | BY_TWO)
    engine.warm()
    those, shoot, tries = peers(), engine.shoot, []

    def short_of_memory(model, mode, shot, on_step):
        tries.append(model.levers.has_vae_tiling)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return shoot(model, mode, shot, on_step)

    engine.shoot = short_of_memory
    assert len(frames_from(engine, BRIEF)) == 20
    assert tries == [False, True]
    assert len(peers()) == 1
    assert peers() != those


def test_memory_that_ran_out_at_a_peer_is_tried_again(wan):
    from neural.sharers import ShortOfMemory

    engine = ShortOfMemory.configured(wan | BY_TWO)
    assert len(frames_from(engine, BRIEF)) == 20
    (kept,) = SHELF.models()
    assert kept.levers.has_vae_tiling


def test_a_peer_that_cannot_load_tells_why(wan):
    from neural.sharers import WithoutWeights

    with pytest.raises(EngineFailed, match="the peer finds no weights"):
        WithoutWeights.configured(wan | BY_TWO).warm()
    assert peers() == []
    assert SHELF.models() == ()


def test_a_peer_that_dies_loading_fails_the_load(wan):
    from neural.sharers import DeadOnLoading

    with pytest.raises(EngineFailed, match="process 1 of neural_gpus ended with status 3"):
        DeadOnLoading.configured(wan | BY_TWO).warm()


# ---- deaths


@contextmanager
def amid_a_film(wan, *, grace_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """A process that made a film's first step, and goes on when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "neural.sharers", json.dumps(wan | BY_TWO), str(grace_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            told = iter(process.stdout.readline, b"")
            assert b"step\n" in told
            yield process
        finally:
            process.kill()


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_peers_end_with_their_process(wan):
    with amid_a_film(wan, grace_s=LONG_S) as process:
        (peer,) = peers_of(process.pid)
        process.kill()
        wait_until(lambda: is_gone(peer), LONG_S, lambda: f"{peer} lives on")


@pytest.mark.parametrize(("goes_on", "grace_s"), [(True, LONG_S), (False, 0.1)])
def test_a_process_whose_peer_died_ends(wan, goes_on, grace_s):
    with amid_a_film(wan, grace_s=grace_s) as process:
        (peer,) = peers_of(process.pid)
        os.kill(peer, signal.SIGKILL)
        if goes_on:
            process.stdin.write(b"\n")
            process.stdin.flush()
        assert process.wait(LONG_S) == os.EX_SOFTWARE


# ---- what does not go together


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"neural_cache": "first_block"}, "neural_cache first_block is decided by each GPU"),
        ({"neural_device": "cuda:1"}, "neural_device must be auto, cuda or cpu"),
        ({"neural_compile": True}, "neural_compile must be off"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_what_does_not_go_with_several_gpus_is_refused(wan, chosen, reason):
    with pytest.raises(ConfigError, match=reason):
        WanEngine.configured(wan | BY_TWO | chosen)


def test_more_gpus_than_there_are_are_refused(wan):
    engine = WanEngine.configured(wan | {"neural_gpus": 16, "neural_device": "cuda"})
    with pytest.raises(EngineFailed, match=r"neural_gpus is 16, but there are \d+ GPUs"):
        engine.warm()


def test_heads_that_do_not_divide_are_refused():
    transformer = SimpleNamespace(config={"num_attention_heads": 40})
    with pytest.raises(EngineFailed, match="must divide the transformer's 40 heads, got 3"):
        sharing(transformer, Levers(gpus=3, device="cpu"))


# ---- the server


def test_a_server_makes_a_film_by_two(weights, profile, tmp_path):
    settings = {
        "wan_model": str(weights("wan-t2v")),
        "wan_profile": str(profile()),
        "neural_motion": "repeat",
        "neural_gpus": "2",
    }
    with serving(tmp_path / "data", **settings) as server:
        body = {"prompt": "Sunset coastal highway", "resolution": "480p", "seed": 7}
        task = server.ended(server.submit(body), LONG_S)
        film = probe_film(server.film(task, tmp_path / "film.mp4"))
        assert (film.width_px, film.height_px, film.frame_count) == (832, 480, 120)
        assert "event=crew.met" in server.log.read_text(errors="replace")
