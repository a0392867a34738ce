"""The draft engine as a whole, on briefs of a stamp's size."""

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.draft import DraftEngine
from filmgate.engines.draft.engine import inner_size
from filmgate.ports.engine import Brief, Engine, PixelFormat, Source, Unobserved

BRIEF = Brief(
    prompt="Sunset coastal highway, cinematic shot",
    negative_prompt="",
    width_px=192,
    height_px=108,
    fps=6,
    duration_s=2,
    seed=1,
)


def frames(brief: Brief) -> np.ndarray:
    return np.stack(list(DraftEngine().make(brief, Unobserved()).frames()))


def test_it_is_an_engine() -> None:
    engine: Engine = DraftEngine()
    assert (engine.name, engine.version, engine.source) == (
        "draft",
        __version__,
        Source.ALGORITHMIC,
    )


@pytest.mark.parametrize(
    "prompt",
    ["coast road", "City night scene, rain", "a cat on the grass", "dancing to music", "xyzzy"],
)
def test_every_scene_gives_the_frames_of_the_brief(prompt: str) -> None:
    footage = DraftEngine().make(replace(BRIEF, prompt=prompt, duration_s=1), Unobserved())
    made = list(footage.frames())
    assert footage.pixel_format is PixelFormat.YUV420P
    assert len(made) == 6
    for frame in made:
        assert frame.shape == (162, 192)
        assert frame.dtype == np.uint8
    assert any(not np.array_equal(made[0], frame) for frame in made[1:])


def test_a_seed_repeats_every_frame() -> None:
    assert np.array_equal(frames(BRIEF), frames(BRIEF))


def test_another_seed_gives_another_film() -> None:
    assert not np.array_equal(frames(BRIEF), frames(replace(BRIEF, seed=2)))


def test_negatives_and_camera_words_are_obeyed() -> None:
    plain = frames(BRIEF)
    assert not np.array_equal(plain, frames(replace(BRIEF, negative_prompt="cars")))
    assert not np.array_equal(plain, frames(replace(BRIEF, prompt=BRIEF.prompt + ", pan left")))


def test_sound_has_the_length_of_the_film() -> None:
    sound = DraftEngine().make(BRIEF, Unobserved()).sound()
    assert sound.shape == (2, BRIEF.sample_count)
    assert sound.dtype == np.float32
    assert 0.01 < np.abs(sound).max() <= 1


def test_closing_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    reading = iter(DraftEngine().make(BRIEF, Unobserved()).frames())
    next(reading)
    assert threading.active_count() > before
    reading.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_start_image_is_filmed(tmp_path: Path) -> None:
    path = tmp_path / "start.png"
    image = np.random.default_rng(1).integers(0, 255, (9, 16, 3)).astype(np.uint8)
    cv2.imwrite(str(path), cv2.resize(image, (192, 108), interpolation=cv2.INTER_CUBIC))
    filmed = frames(replace(BRIEF, image_path=path, prompt="zoom in", duration_s=1))
    assert filmed.shape == (6, 162, 192)
    assert not np.array_equal(filmed[0], filmed[-1])


def test_an_unreadable_start_image_fails_the_task(tmp_path: Path) -> None:
    path = tmp_path / "start.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(EngineFailed, match="start image"):
        next(iter(DraftEngine().make(replace(BRIEF, image_path=path), Unobserved()).frames()))


@pytest.mark.parametrize(
    "size",
    [(832, 480), (480, 832), (624, 624), (1280, 720), (720, 1280), (960, 960), (1088, 832),
     (1920, 1080), (1440, 1440), (1632, 1248)],
)  # fmt: skip
def test_pictures_are_painted_at_a_size_the_glow_divides(size: tuple[int, int]) -> None:
    width, height = inner_size(*size)
    assert width % 4 == 0
    assert height % 4 == 0
    assert width <= size[0]
    assert abs(width / height - size[0] / size[1]) < 0.01
