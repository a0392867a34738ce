"""What others made becomes what was promised: frames by their times, sound to the sample."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from filmgate.domain.errors import EngineFailed
from filmgate.media.film import write_film
from filmgate.media.footage import DeliveredFilm
from filmgate.media.probe import probe_film
from filmgate.ports.engine import Brief, Source, Unobserved
from filmgate.testing.film_file import FilmKind, film_bytes

DARK, STEP = 30, 4
"""The first frame's luma, and how much lighter each next one is."""
LOUD = 0.25


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A film file of flat frames, each lighter than the one before it; its sound is a tone."""

    fps: int = 24
    frame_count: int = 48
    width_px: int = 256
    height_px: int = 144
    container: str = "mp4"
    codec: str = "libx264"
    sound_codec: str = "aac"
    sound_s: float | None = None
    sound_hz: int = 48_000
    first_pts: int = 0
    lighter_columns: bool = False
    """Rather three upright stripes: dark quarter, middle half, light quarter."""

    def written(self, folder: Path) -> Path:
        path = folder / f"delivered.{self.container}"
        with av.open(str(path), "w", format=self.container) as film:
            video = film.add_stream(self.codec, rate=self.fps)
            video.width, video.height, video.pix_fmt = self.width_px, self.height_px, "yuv420p"
            audio = None
            if self.sound_s is not None:
                audio = film.add_stream(self.sound_codec, rate=self.sound_hz)
                audio.layout = "mono"
            for index in range(self.frame_count):
                frame = av.VideoFrame.from_ndarray(self._planes(index), format="yuv420p")
                frame.pts, frame.time_base = self.first_pts + index, Fraction(1, self.fps)
                film.mux(video.encode(frame))
            film.mux(video.encode())
            if audio is not None:
                self._sound(film, audio)
        return path

    def _planes(self, index):
        planes = np.full((self.height_px * 3 // 2, self.width_px), 128, np.uint8)
        planes[: self.height_px] = DARK + STEP * index
        if self.lighter_columns:
            quarter = self.width_px // 4
            planes[: self.height_px] = 120
            planes[: self.height_px, :quarter] = 40
            planes[: self.height_px, -quarter:] = 200
        return planes

    def _sound(self, film, audio):
        at = np.arange(round(self.sound_s * self.sound_hz)) / self.sound_hz
        samples = (LOUD * np.sin(2 * np.pi * 440 * at)).astype(np.float32)[None]
        form = "fltp" if self.sound_codec == "aac" else "s16"
        for start in range(0, samples.shape[1], 960):
            piece = samples[:, start : start + 960]
            if form == "s16":
                piece = (piece * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(piece, form, "mono")
            frame.sample_rate, frame.pts = self.sound_hz, start
            frame.time_base = Fraction(1, self.sound_hz)
            film.mux(audio.encode(frame))
        film.mux(audio.encode())


def brief_of(*, fps=24, duration_s=2, width_px=256, height_px=144):
    return Brief(
        prompt="", negative_prompt="", width_px=width_px, height_px=height_px,
        fps=fps, duration_s=duration_s, seed=1,
    )  # fmt: skip


def footage_of(path, brief=None):
    film = DeliveredFilm(path, name="theirs", source=Source.TRAINED)
    return film.make(brief or brief_of(), Unobserved())


def indices(footage):
    """Which of the delivered frames each given frame shows."""
    lumas = [float(frame[: frame.shape[0] * 2 // 3].mean()) for frame in footage.frames()]
    return [round((luma - DARK) / STEP) for luma in lumas]


def loud_samples(sound):
    """Where a sound begins and ends to be one."""
    loud = np.flatnonzero(np.abs(sound).max(axis=0) > 0.02)
    return int(loud[0]), int(loud[-1])


def test_a_film_at_our_rate_is_given_frame_by_frame(tmp_path):
    assert indices(footage_of(Delivered().written(tmp_path))) == list(range(48))


@pytest.mark.parametrize("fps", [8, 16, 30, 48])
def test_another_rate_never_changes_the_speed(tmp_path, fps):
    film = Delivered(fps=fps, frame_count=fps).written(tmp_path)
    shown = indices(footage_of(film, brief_of(duration_s=1)))
    assert shown == [index * fps // 24 for index in range(24)]


def test_times_that_begin_late_begin_at_zero(tmp_path):
    film = Delivered(first_pts=12).written(tmp_path)
    assert indices(footage_of(film)) == list(range(48))


def test_more_frames_than_were_ordered_are_left_out(tmp_path):
    film = Delivered(fps=16, frame_count=33).written(tmp_path)
    assert indices(footage_of(film))[-1] == 31


def test_a_little_that_is_missing_is_filled_with_the_last_frame(tmp_path):
    film = Delivered(frame_count=44).written(tmp_path)
    assert indices(footage_of(film)) == [*range(44), 43, 43, 43, 43]


@pytest.mark.parametrize(
    "delivered", [Delivered(frame_count=43), Delivered(frame_count=24), Delivered(fps=30)]
)
def test_a_film_that_is_much_too_short_is_of_no_use(tmp_path, delivered):
    with pytest.raises(EngineFailed, match="2 were ordered"):
        indices(footage_of(delivered.written(tmp_path)))


def test_a_webm_is_a_film_too(tmp_path):
    film = Delivered(
        container="webm", codec="libvpx", sound_codec="libopus", sound_s=2
    ).written(tmp_path)  # fmt: skip
    footage = footage_of(film)
    assert indices(footage) == list(range(48))
    assert loud_samples(footage.sound())[1] > 90_000


def test_another_shape_is_cropped_and_never_stretched(tmp_path):
    film = Delivered(width_px=512, lighter_columns=True, sound_s=2).written(tmp_path)
    target = tmp_path / "film.mp4"
    write_film(
        target, footage_of(film), width_px=256, height_px=144, fps=24, duration_s=2, sound=None,
        has_watermark=False, metadata={}, on_frame=lambda count: None,
    )  # fmt: skip
    with av.open(str(target)) as written:
        luma = next(written.decode(video=0)).to_ndarray()[:144]
    assert luma[:, 8:-8].min() > 110, "the dark quarter at the left is cut off"
    assert luma[:, 8:-8].max() < 130, "and the light one at the right"


def test_odd_sides_are_made_even(tmp_path):
    film = Delivered(width_px=250, height_px=142).written(tmp_path)
    odd = tmp_path / "odd.mp4"
    with av.open(str(film)) as source, av.open(str(odd), "w") as target:
        video = target.add_stream("libx264", rate=24, options={"qp": "0"})
        video.width, video.height, video.pix_fmt = 249, 141, "yuv444p"
        for frame in source.decode(video=0):
            target.mux(video.encode(frame.reformat(249, 141, "yuv444p")))
        target.mux(video.encode())
    assert next(footage_of(odd).frames()).shape == (140 * 3 // 2, 248)


def test_a_film_without_sound_says_so_and_is_delivered_with_silence(tmp_path):
    footage = footage_of(Delivered().written(tmp_path))
    assert footage.sound() is None
    target = tmp_path / "film.mp4"
    write_film(
        target, footage, width_px=256, height_px=144, fps=24, duration_s=2, sound=None,
        has_watermark=False, metadata={}, on_frame=lambda count: None,
    )  # fmt: skip
    assert probe_film(target).sample_count == 96_000


@pytest.mark.parametrize(("sound_s", "last"), [(1.0, 48_000), (2.0, 96_000), (3.0, 96_000)])
def test_sound_is_cut_or_padded_with_silence(tmp_path, sound_s, last):
    sound = footage_of(Delivered(sound_s=sound_s).written(tmp_path)).sound()
    assert sound.shape == (2, 96_000)
    assert sound.dtype == np.float32
    start, end = loud_samples(sound)
    assert start < 2048
    assert end == pytest.approx(last, abs=2048)


def test_sound_at_another_rate_keeps_its_pitch(tmp_path):
    film = Delivered(sound_s=2, sound_hz=16_000).written(tmp_path)
    sound = footage_of(film).sound()
    spectrum = np.abs(np.fft.rfft(sound[0, 24_000:72_000]))
    assert int(spectrum.argmax()) == 440


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "neither"),
        (b"<html>this film has expired</html>", "neither"),
        (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 400, "cannot be decoded"),
        (b"\x1aE\xdf\xa3" + b"\xff" * 400, "cannot be decoded"),
    ],
)
def test_what_is_no_film_is_refused_with_the_reason(tmp_path, content, rule):
    path = tmp_path / "film"
    path.write_bytes(content)
    with pytest.raises(EngineFailed, match=rule):
        indices(footage_of(path))


def test_a_film_that_breaks_off_is_too_short_or_refused(tmp_path):
    path = tmp_path / "film"
    whole = film_bytes(FilmKind.GOOD, width_px=256, height_px=144, duration_s=2)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineFailed):
        indices(footage_of(path))


def test_a_file_of_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as file:
        Delivered(sound_s=1.0)._sound(file, file.add_stream("aac", rate=48_000, layout="mono"))
    with pytest.raises(EngineFailed, match="no picture"):
        indices(footage_of(path))


@pytest.mark.parametrize(("width_px", "height_px"), [(4098, 64), (64, 4098), (62, 64)])
def test_giant_and_tiny_sides_are_refused(tmp_path, width_px, height_px):
    film = Delivered(width_px=width_px, height_px=height_px, frame_count=1).written(tmp_path)
    with pytest.raises(EngineFailed, match="64 to 4096 px"):
        indices(footage_of(film))
