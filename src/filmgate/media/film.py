"""Encodes footage and sound to one MP4, put in place whole. It draws nothing, it decodes nothing.

    footage.frames() -> cover -> watermark -> libx264 --+
                                                        +-> .<name>.part -> fsync -> <name>
    given sound | footage.sound() | silence -> AAC -----+

The engine's sound is made in a thread while frames are encoded; x264 encodes in two threads of its
own while the next frame is drawn. The same arrays give the same packets: the number of threads is
fixed and nothing tells the time.
"""

# PyAV's stubs leave the stream of a packet open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import av
import numpy as np
from av.codec.context import Flags, ThreadType
from av.error import FFmpegError
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from filmgate.domain.errors import EngineFailed, StorageFailed
from filmgate.media.cover import yuv_frame
from filmgate.media.watermark import Watermark
from filmgate.ports.engine import SOUND_RATE_HZ, Footage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray


X264_OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    "profile": "high",
    # One step less of sub-pixel search: a fifth of the time for a twentieth more bytes.
    # Without mb-tree: with it the same frames gave other packets now and then on a busy machine.
    "x264-params": "subme=1:mbtree=0",
}
X264_THREADS = 2
KEYFRAME_INTERVAL_S = 2
AAC_BITS_PER_S = 160_000
AAC_FRAME_SAMPLES = 1024
MATRIX_BT709 = 1
MP4_OPTIONS = {
    "movflags": "+faststart",
    "fflags": "+bitexact",
    # Frames wait for the sound however late it comes, so that both lie interleaved in the file.
    "max_interleave_delta": "0",
}


class Viewer(Protocol):
    """Looks at every frame on its way into the file, as it is encoded."""

    def see(self, number: int, frame: NDArray[np.uint8]) -> None:
        """Look at frame `number`: uint8 [height * 3 / 2, width], contiguous; not to be kept."""
        ...


def write_film(
    target: Path,
    footage: Footage,
    *,
    width_px: int,
    height_px: int,
    fps: int,
    duration_s: int,
    sound: NDArray[np.float32] | None,
    has_watermark: bool,
    metadata: dict[str, str],
    on_frame: Callable[[int], None],
    viewers: Sequence[Viewer] = (),
) -> None:
    """Write the film: H.264 High BT.709, AAC stereo 48 kHz, `duration_s` exactly, index first.

    `sound` (float32 [2, 48,000 * duration_s]) wins over the footage's own; without either the film
    is silent. `metadata` is written as JSON into the file's comment. `on_frame` hears the number of
    frames encoded so far; what it raises ends the work. `target` appears complete or not at all.

    Raises EngineFailed when the footage is not what was ordered, StorageFailed when the file cannot
    be written.
    """
    part = target.with_name(f".{target.name}.part")
    maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sound")
    try:
        track = maker.submit(_sound_track, sound, footage, SOUND_RATE_HZ * duration_s)
        mark = Watermark(width_px=width_px, height_px=height_px) if has_watermark else None
        with (
            _Film(part, width_px, height_px, fps, metadata) as film,
            closing(_exactly(footage.frames(), fps * duration_s)) as frames,
        ):
            for done, frame in enumerate(frames, start=1):
                fitted = yuv_frame(
                    frame, footage.pixel_format, width_px=width_px, height_px=height_px
                )
                if mark is not None:
                    # The engine may hand out one array many times, or keep it.
                    fitted = fitted.copy() if np.may_share_memory(fitted, frame) else fitted
                    mark.burn(fitted)
                film.add_frame(fitted)
                for viewer in viewers:
                    viewer.see(done - 1, fitted)
                if track.done():
                    film.add_sound(track.result(), until_sample=done * SOUND_RATE_HZ // fps)
                on_frame(done)
            film.add_sound(track.result(), until_sample=SOUND_RATE_HZ * duration_s)
            film.finish()
        put_in_place(part, target)
    finally:
        maker.shutdown(wait=False, cancel_futures=True)
        part.unlink(missing_ok=True)


class _Film:
    """An MP4 being written. Frames and sound may come in any order; the muxer interleaves them."""

    def __init__(
        self, path: Path, width_px: int, height_px: int, fps: int, metadata: dict[str, str]
    ) -> None:
        self._box = av.open(str(path), "w", format="mp4", container_options=MP4_OPTIONS)
        self._box.metadata["comment"] = json.dumps(metadata, sort_keys=True, ensure_ascii=False)
        self._video = _video_stream(self._box, width_px, height_px, fps)
        self._audio = _audio_stream(self._box)
        self._frame_s = Fraction(1, fps)
        self._frame_count = 0
        self._sample_count = 0

    def __enter__(self) -> _Film:
        return self

    def __exit__(self, *_: object) -> None:
        with _storage_errors():
            self._box.close()

    def add_frame(self, frame: NDArray[np.uint8]) -> None:
        """Encode the next frame, contiguous uint8 [height * 3 / 2, width]; it isn't kept."""
        picture = av.VideoFrame.from_numpy_buffer(frame, format="yuv420p")
        picture.pts, picture.time_base = self._frame_count, self._frame_s
        self._frame_count += 1
        self._mux(self._video.encode(picture))

    def add_sound(self, sound: NDArray[np.float32], *, until_sample: int) -> None:
        """Encode what is still missing of the sound up to about that sample."""
        while self._sample_count < until_sample:
            start = self._sample_count
            piece = np.ascontiguousarray(sound[:, start : start + AAC_FRAME_SAMPLES])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = SOUND_RATE_HZ, start
            frame.time_base = Fraction(1, SOUND_RATE_HZ)
            self._sample_count += piece.shape[1]
            self._mux(self._audio.encode(frame))

    def finish(self) -> None:
        """Encode what the encoders still hold."""
        self._mux(self._video.encode())
        self._mux(self._audio.encode())

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with _storage_errors():
            for packet in packets:
                self._box.mux_one(packet)


def _video_stream(box: OutputContainer, width_px: int, height_px: int, fps: int) -> VideoStream:
    stream = box.add_stream("libx264", rate=fps, options=X264_OPTIONS)
    stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
    codec = stream.codec_context
    codec.time_base = Fraction(1, fps)
    codec.gop_size = KEYFRAME_INTERVAL_S * fps
    codec.thread_count, codec.thread_type = X264_THREADS, ThreadType.FRAME
    codec.color_range = ColorRange.MPEG
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709
    codec.colorspace = MATRIX_BT709
    codec.flags |= Flags.bitexact
    return stream


def _audio_stream(box: OutputContainer) -> AudioStream:
    stream = box.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo")
    stream.bit_rate = AAC_BITS_PER_S
    stream.codec_context.flags |= Flags.bitexact
    return stream


def _exactly(frames: Iterator[NDArray[np.uint8]], frame_count: int) -> Generator[NDArray[np.uint8]]:
    try:
        for given in range(frame_count):
            frame = next(frames, None)
            if frame is None:
                raise EngineFailed(f"{frame_count} frames were ordered, the engine gave {given}")
            yield frame
        if next(frames, None) is not None:
            raise EngineFailed(f"{frame_count} frames were ordered, the engine gave more")
    finally:
        if isinstance(frames, Generator):
            frames.close()


def _sound_track(
    given: NDArray[np.float32] | None, footage: Footage, sample_count: int
) -> NDArray[np.float32]:
    sound = footage.sound() if given is None else given
    if sound is None:
        return np.zeros((2, sample_count), np.float32)
    if sound.shape != (2, sample_count) or sound.dtype != np.float32:
        got = f"{sound.dtype} {list(sound.shape)}"
        message = f"sound must be float32 [2, {sample_count}], the engine gave {got}"
        raise EngineFailed(message)
    if not np.isfinite(sound).all():
        raise EngineFailed("sound must be of finite samples, the engine gave others")
    return np.clip(sound, -1, 1)


def put_in_place(part: Path, target: Path) -> None:
    """Give a written file its name, on disk to its last byte. Raises StorageFailed."""
    with _storage_errors():
        _sync(part)
        part.replace(target)
        _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _storage_errors() -> Generator[None]:
    try:
        yield
    except (OSError, FFmpegError) as error:
        raise StorageFailed(f"the film could not be written: {error.strerror}") from error
