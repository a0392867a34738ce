"""What is heard of a film while the workshop makes it: the engine's own word, or counted frames."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import media_files as files
from filmgate.ports.engine import Brief, Observer, PixelFormat, Source
from filmgate.ports.studio import FilmOrder, Stage
from filmgate.testing.model import FakeModel
from filmgate.worker.workshop import StudioWorkshop

LATENT = np.full((24, 40, 3), 200, np.uint8)


class Sampler:
    """An engine that works before its first frame, and says how far it is if it is told to."""

    name, version = "sampler", "1"
    pixel_format = PixelFormat.YUV420P

    def __init__(self, *, tells: bool = False, source: Source = Source.ALGORITHMIC) -> None:
        self._tells = tells
        self.source = source

    def make(self, brief: Brief, observer: Observer) -> Sampler:
        if self._tells:
            for step in range(4):
                observer.preview(LATENT)
                observer.progress((step + 1) / 4)
        self._brief = brief
        return self

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        frame = files.plain_frame(self._brief.width_px, self._brief.height_px, 90)
        return (frame for _ in range(self._brief.frame_count))

    def sound(self) -> None:
        return None


def ordered(folder: Path) -> FilmOrder:
    return FilmOrder(
        engine="sampler",
        prompt="a road",
        negative_prompt="",
        width_px=256,
        height_px=144,
        fps=24,
        duration_s=1,
        seed=1,
        image_path=None,
        sound_path=None,
        has_watermark=False,
        metadata={},
        target=folder / "film.mp4",
    )


class Listener:
    """Makes a film with an engine and keeps what is told."""

    def __init__(self, folder: Path, *, tells: bool) -> None:
        self.shares: list[float] = []
        self.jpegs: list[bytes] = []
        workshop = StudioWorkshop(lambda _: Sampler(tells=tells))
        workshop.make(ordered(folder), self._hear, self.jpegs.append)

    def _hear(self, stage: Stage, share: float) -> None:
        assert stage is Stage.MAKE
        self.shares.append(share)


def test_an_engine_that_tells_its_progress_is_believed(tmp_path):
    assert Listener(tmp_path, tells=True).shares == [0.25, 0.5, 0.75, 1.0]


def test_frames_are_counted_where_the_engine_tells_nothing(tmp_path):
    shares = Listener(tmp_path, tells=False).shares
    assert shares == pytest.approx([(done + 1) / 24 for done in range(24)])


def test_the_first_picture_is_the_engines_own_where_it_shows_one(tmp_path):
    with_own, without = (Listener(tmp_path, tells=tells).jpegs[0] for tells in (True, False))
    assert Image.open(BytesIO(with_own)).size == (40, 24)
    assert Image.open(BytesIO(without)).size == (256, 144)


@pytest.mark.parametrize(
    ("source", "is_held"), [(Source.ALGORITHMIC, True), (Source.TRAINED, False)]
)
def test_only_engines_with_trained_weights_go_beyond_the_memory_limit(tmp_path, source, is_held):
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    low = 2**36, limit[1]
    resource.setrlimit(resource.RLIMIT_DATA, low)
    try:
        workshop = StudioWorkshop(lambda _: Sampler(source=source))
        workshop.make(ordered(tmp_path), lambda *_: None, lambda _: None)
        assert (resource.getrlimit(resource.RLIMIT_DATA) == low) is is_held
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limit)


def test_who_only_finishes_what_a_model_made_keeps_the_memory_limit(tmp_path):
    """No weights are loaded there, and other films that strangers made are decoded there."""

    class Trained(FakeModel):
        source = Source.TRAINED

    limit = resource.getrlimit(resource.RLIMIT_DATA)
    low = 2**36, limit[1]
    order, rushes = ordered(tmp_path), tmp_path / "rushes"
    rushes.mkdir()
    maker, finisher = (StudioWorkshop(lambda _: Trained()) for _ in range(2))
    try:
        maker.warm()
        maker.shoot(order, str(rushes), lambda *_: None, lambda _: None)
        resource.setrlimit(resource.RLIMIT_DATA, low)
        finisher.make(order, lambda *_: None, lambda _: None, rushes=str(rushes))
        assert resource.getrlimit(resource.RLIMIT_DATA) == low
        assert order.target.is_file()
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limit)
