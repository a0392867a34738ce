"""Films: what is in the file, to the frame and to the sample."""

from __future__ import annotations

import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import media_files as files
from filmgate.domain.errors import EngineFailed, StorageFailed
from filmgate.media.film import write_film
from filmgate.media.probe import FilmProbe, probe_film
from filmgate.media.stills import Stills
from filmgate.ports.engine import Footage, PixelFormat

METADATA = {"engine": "testcard 1.0", "seed": "42", "task": "task_01", "model": "prüf/模型"}


class Writer:
    """Writes one-second films into a folder, unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[int] = []

    def __call__(self, footage: Footage, name: str = "film.mp4", **options) -> Path:
        target = self.folder / name
        order = {
            "width_px": 256,
            "height_px": 144,
            "fps": 24,
            "duration_s": 1,
            "sound": None,
            "has_watermark": False,
            "metadata": METADATA,
            "on_frame": self.heard.append,
        }
        write_film(target, footage, **{**order, **options})
        return target


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


def footage(width_px: int = 256, height_px: int = 144, frame_count: int = 24, **options):
    return files.PaintedFootage(
        width_px=width_px, height_px=height_px, frame_count=frame_count, **options
    )


@pytest.mark.parametrize("duration_s", [5, 10])
@pytest.mark.parametrize("fps", [24, 16])
def test_a_film_is_exactly_what_the_contract_says(write, duration_s, fps):
    sound = files.sound_of(duration_s)
    painted = footage(frame_count=fps * duration_s)
    film = write(painted, duration_s=duration_s, fps=fps, sound=sound)
    probe = probe_film(film)
    assert (probe.video_codec, probe.profile, probe.pixel_format) == ("h264", "High", "yuv420p")
    assert (probe.width_px, probe.height_px) == (256, 144)
    assert probe.fps == fps
    assert probe.frame_count == fps * duration_s
    assert probe.duration_s == duration_s
    assert probe.keyframe_count >= duration_s / 2
    assert probe.color_primaries == probe.color_transfer == probe.color_matrix == 1
    assert probe.color_range == 1
    assert (probe.audio_codec, probe.audio_rate_hz, probe.audio_channels) == ("aac", 48_000, 2)
    assert probe.sample_count == 48_000 * duration_s
    assert probe.priming_samples == 1024
    assert probe.is_index_first
    assert probe.metadata == METADATA
    assert write.heard == list(range(1, fps * duration_s + 1))
    assert [path.name for path in write.folder.iterdir()] == ["film.mp4"]


def test_frames_come_at_a_constant_rate_and_a_keyframe_every_two_seconds(write):
    film = write(footage(frame_count=120), duration_s=5)
    with av.open(str(film)) as box:
        stream = box.streams.video[0]
        times, keys = [], []
        for packet in box.demux(stream):
            if packet.size:
                times.append(packet.pts * stream.time_base)
                keys += [packet.pts * stream.time_base] if packet.is_keyframe else []
    assert sorted(times) == [Fraction(number, 24) for number in range(120)]
    assert keys[0] == 0
    assert max(b - a for a, b in pairwise([*keys, Fraction(5)])) <= 2


def test_the_same_footage_gives_the_same_packets(write):
    def made(name: str, **options) -> tuple[str, str]:
        rgb = footage(frame_count=48, pixel_format=PixelFormat.RGB24, track=files.sound_of(2))
        probe = probe_film(write(rgb, name, duration_s=2, **options))
        return probe.video_sha256, probe.audio_sha256

    first = made("a.mp4", has_watermark=True)
    assert made("b.mp4", has_watermark=True, metadata={"seed": "43"}) == first
    assert made("c.mp4")[0] != first[0]
    assert (write.folder / "a.mp4").read_bytes() != (write.folder / "b.mp4").read_bytes()


def test_the_whole_file_repeats_and_names_no_muxer(write):
    films = [write(footage(track=files.sound_of(1)), name) for name in ("a.mp4", "b.mp4")]
    first, second = (film.read_bytes() for film in films)
    assert first == second
    assert not any(name in first for name in (b"Lavf", b"Lavc"))


def test_the_engines_own_array_is_never_written_to(write):
    class StillFootage(files.PaintedFootage):
        array = files.plain_frame(256, 144, 90)

        def frames(self):
            self.array.flags.writeable = False
            for _ in range(24):
                yield self.array

    film = write(StillFootage(width_px=256, height_px=144, frame_count=24), has_watermark=True)
    marked = next(files.decoded_frames(film))
    assert np.ptp(marked[:144]) > 100


def test_the_given_sound_wins_over_the_engines(write):
    given, own = files.sound_of(1), np.zeros((2, 48_000), np.float32)
    heard = files.decoded_sound(write(footage(track=own), sound=given))
    assert np.abs(heard[:, 4_000:44_000]).max() == pytest.approx(0.5, abs=0.02)
    heard = files.decoded_sound(write(footage(track=given)))
    assert np.abs(heard[:, 4_000:44_000]).max() == pytest.approx(0.5, abs=0.02)


def test_sound_starts_and_ends_with_the_picture(write):
    track = np.zeros((2, 240_000), np.float32)
    track[:, 120_000:120_480] = 0.8
    heard = files.decoded_sound(write(footage(frame_count=120), duration_s=5, sound=track))
    loud = np.flatnonzero(np.abs(heard[0]) > 0.4)
    assert abs(loud[0] - 120_000) < 20
    assert abs(loud[-1] - 120_480) < 20
    assert 240_000 <= heard.shape[1] < 240_000 + 1024


def test_without_any_sound_the_film_is_silent_but_has_its_track(write):
    film = write(footage())
    assert probe_film(film).sample_count == 48_000
    assert not files.decoded_sound(film).any()


def test_sound_may_take_longer_than_the_frames(write):
    class LateFootage(files.PaintedFootage):
        drawn = threading.Event()

        def frames(self):
            yield from super().frames()
            self.drawn.set()

        def sound(self):
            assert self.drawn.wait(30)
            return files.sound_of(1)

    late = write(LateFootage(width_px=256, height_px=144, frame_count=24), "late.mp4")
    early = write(footage(track=files.sound_of(1)), "early.mp4")
    assert probe_film(late) == probe_film(early)
    assert sound_lies_between_frames(late)


def sound_lies_between_frames(film: Path) -> bool:
    with av.open(str(film)) as box:
        places = sorted((packet.pos, packet.stream_index) for packet in box.demux() if packet.size)
    kinds = [kind for _, kind in places]
    return sum(a != b for a, b in pairwise(kinds)) > len(kinds) / 4


@pytest.mark.parametrize("given", [0, 23])
def test_too_few_frames_are_the_engines_failure(write, given):
    with pytest.raises(EngineFailed, match=f"24 frames were ordered, the engine gave {given}"):
        write(footage(frame_count=given))
    assert not list(write.folder.iterdir())


def test_too_many_frames_are_the_engines_failure_and_end_at_once(write):
    endless = footage(frame_count=1_000_000)
    with pytest.raises(EngineFailed, match="24 frames were ordered, the engine gave more"):
        write(endless)
    assert endless.frames_given == 25
    assert not list(write.folder.iterdir())


@pytest.mark.parametrize(
    "track",
    [
        np.zeros((2, 47_999), np.float32),
        np.zeros((1, 48_000), np.float32),
        np.zeros((2, 48_000), np.float64),
        np.full((2, 48_000), np.nan, np.float32),
    ],
)
def test_sound_of_the_wrong_shape_is_the_engines_failure(write, track):
    with pytest.raises(EngineFailed, match="sound must be"):
        write(footage(track=track))
    assert not list(write.folder.iterdir())


def test_frames_of_the_wrong_shape_are_the_engines_failure(write):
    class FlatFootage(files.PaintedFootage):
        def frames(self):
            yield np.zeros((144, 256), np.uint8).reshape(-1)

    with pytest.raises(EngineFailed, match="a yuv420p frame must be uint8"):
        write(FlatFootage(width_px=256, height_px=144, frame_count=24))


def test_stopping_at_a_frame_leaves_nothing_behind_and_closes_the_engine(write):
    class Stop(Exception):
        pass

    class OpenFootage(files.PaintedFootage):
        is_closed = False

        def frames(self):
            try:
                yield from super().frames()
            finally:
                self.is_closed = True

    def stop_at_three(done: int) -> None:
        if done == 3:
            raise Stop

    painted = OpenFootage(width_px=256, height_px=144, frame_count=24)
    with pytest.raises(Stop):
        write(painted, on_frame=stop_at_three)
    assert painted.is_closed
    assert painted.frames_given == 3
    assert not list(write.folder.iterdir())


def test_a_film_that_was_there_stays_until_the_new_one_is_whole(write):
    film = write(footage())
    before = film.read_bytes()
    with pytest.raises(EngineFailed):
        write(footage(frame_count=3))
    assert film.read_bytes() == before


def test_a_folder_that_is_not_there_is_a_storage_failure(write):
    with pytest.raises(StorageFailed, match="could not be written: No such file or directory"):
        write(footage(), "none/film.mp4")


@pytest.mark.parametrize("size", files.FILM_SIZES)
def test_every_size_of_the_contract_can_be_made_with_a_watermark(write, size):
    width, height = size
    painted = footage(width, height, frame_count=2)
    film = write(painted, width_px=width, height_px=height, fps=2, has_watermark=True)
    probe = probe_film(film)
    assert (probe.width_px, probe.height_px, probe.frame_count) == (width, height, 2)


@pytest.mark.parametrize("kind", PixelFormat)
@pytest.mark.parametrize("size", [(512, 144), (256, 400), (96, 96)])
def test_frames_of_another_size_are_covered_and_cropped(write, kind, size):
    class Disc(files.PaintedFootage):
        def frames(self):
            x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
            radius = min(size[0] / 256, size[1] / 144) * 60
            lit = (x - size[0] / 2 + 0.5) ** 2 + (y - size[1] / 2 + 0.5) ** 2 < radius**2
            frame = files.plain_frame(*size, 16)
            frame[: size[1]][lit] = 235
            if kind is PixelFormat.RGB24:
                frame = np.repeat((lit * 255).astype(np.uint8)[..., None], 3, axis=2)
            for _ in range(24):
                yield frame

    disc = Disc(width_px=256, height_px=144, frame_count=24, pixel_format=kind)
    shown = next(files.decoded_frames(write(disc)))[:144] > 125
    across, down = shown.any(axis=0).nonzero()[0], shown.any(axis=1).nonzero()[0]
    assert len(across) == pytest.approx(120, abs=4)
    assert len(down) == pytest.approx(120, abs=4)
    assert across.mean() == pytest.approx(127.5, abs=2)
    assert down.mean() == pytest.approx(71.5, abs=2)


def stills_of(film: Path, *, frame_count: int, **options: int) -> tuple[Path, Path]:
    """Thumbnail and sprites of a film's decoded frames."""
    stills = Stills(frame_count, **options)
    for number, frame in enumerate(files.decoded_frames(film)):
        stills.see(number, frame)
    paths = film.with_name("still.jpg"), film.with_name("sheet.jpg")
    stills.write(thumbnail=paths[0], sprites=paths[1])
    return paths


def test_stills_need_every_frame_of_the_film(tmp_path):
    stills = Stills(24)
    stills.see(0, files.plain_frame(256, 144, 90))
    with pytest.raises(ValueError, match="every frame"):
        stills.write(thumbnail=tmp_path / "still.jpg", sprites=tmp_path / "sheet.jpg")


def test_a_film_shows_its_frames_to_the_stills_with_the_watermark(write):
    stills = Stills(24, width_px=256)
    write(footage(), has_watermark=True, viewers=[stills])
    stills.write(thumbnail=write.folder / "still.jpg", sprites=write.folder / "sheet.jpg")
    shown = files.decoded_frames(write.folder / "film.mp4")
    middle = [frame for _, frame in zip(range(13), shown, strict=False)][12][124:144, 128:]
    still = np.asarray(Image.open(write.folder / "still.jpg").convert("L"))[124:, 128:]
    assert np.ptp(still) > 100
    assert np.abs(still - (middle.astype(int) - 16) * 255 / 219).mean() < 6


def test_colours_come_back_as_they_went_in(write):
    swatches = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 90, 40)]

    class Swatches(files.PaintedFootage):
        def frames(self):
            frame = np.repeat(np.array(swatches, np.uint8), 64, axis=0)
            frame = np.repeat(frame[np.newaxis], 144, axis=0)
            for _ in range(24):
                yield frame

    painted = Swatches(width_px=384, height_px=144, frame_count=24, pixel_format=PixelFormat.RGB24)
    film = write(painted, width_px=384)
    still, _ = stills_of(film, frame_count=24, width_px=384)
    shown = np.asarray(Image.open(still)).astype(int)
    for number, colour in enumerate(swatches):
        assert np.abs(shown[72, number * 64 + 32] - colour).max() <= 6


def test_a_thumbnail_shows_the_middle(write):
    film = write(footage(frame_count=48), duration_s=2)
    path, _ = stills_of(film, frame_count=48, width_px=512)
    with Image.open(path) as still:
        assert still.format == "JPEG"
        assert still.size == (512, 288)
        bright = (np.asarray(still.convert("L"))[144] > 245).nonzero()[0]
    assert bright.mean() == pytest.approx(256, abs=24)


def test_sprites_show_the_film_from_left_to_right_and_down(write):
    film = write(footage(frame_count=48), duration_s=2)
    _, path = stills_of(film, frame_count=48, columns=3, rows=2, tile_width_px=192)
    with Image.open(path) as sheet:
        assert sheet.size == (576, 216)
        grey = np.asarray(sheet.convert("L"))
    places = []
    for tile in range(6):
        row = grey[tile // 3 * 108 + 54, tile % 3 * 192 : tile % 3 * 192 + 192]
        places.append((row > 245).nonzero()[0].mean())
    assert places == sorted(places)
    assert places[0] < 20
    assert 120 < places[-1] < 170


@pytest.mark.parametrize("content", [b"", b"no film", b"\x00\x00\x00\x08moov", bytes(64)])
def test_a_probe_says_what_is_no_film(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match="MP4"):
        probe_film(tmp_path / "x")


def test_a_probe_tells_an_index_at_the_end(write, tmp_path):
    first = write(footage())
    with av.open(str(first)) as source, av.open(str(tmp_path / "last.mp4"), "w") as target:
        streams = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    last = probe_film(tmp_path / "last.mp4")
    assert isinstance(last, FilmProbe)
    assert not last.is_index_first
    assert last.video_sha256 == probe_film(first).video_sha256


def test_half_a_film_is_no_film(write):
    film = write(footage())
    film.write_bytes(film.read_bytes()[:-500])
    with pytest.raises(ValueError, match="cut short"):
        probe_film(film)
