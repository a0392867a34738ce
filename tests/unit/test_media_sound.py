"""Callers' sounds: which are taken, how long they are, and the samples that reach the film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import media_files as files
from filmgate.domain.errors import InputRejected
from filmgate.media.sound import inspect_sound, read_sound

RATE_HZ = 48_000


@pytest.fixture
def at(tmp_path: Path):
    def write(content: bytes, name: str = "sound") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def reason_of(path: Path) -> str:
    with pytest.raises(InputRejected) as caught:
        inspect_sound(path, param="audio_url")
    assert caught.value.param == "audio_url"
    assert caught.value.message.startswith("audio_url must ")
    return caught.value.reason


def message_of(path: Path) -> str:
    with pytest.raises(InputRejected) as caught:
        inspect_sound(path, param="audio_url")
    return caught.value.message


@pytest.mark.parametrize("kind", ["u8", "s16", "s24", "s32", "f32", "f64"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2), (96_000, 2)])
def test_every_pcm_wav_is_measured_and_heard_at_its_own_level(at, kind, rate_hz, channels):
    samples = files.tone(3.5, rate_hz=rate_hz, channels=channels)
    path = at(files.wav_bytes(samples, rate_hz=rate_hz, kind=kind))
    facts = inspect_sound(path, param="audio_url")
    assert facts.duration_s == pytest.approx(3.5, abs=1e-9)
    assert facts.content_type == "audio/wav"
    heard = read_sound(path, sample_count=3 * RATE_HZ)
    middle = heard[:, RATE_HZ : 2 * RATE_HZ]
    assert np.abs(middle).max(axis=1) == pytest.approx([0.5, 0.5], abs=0.02)


@pytest.mark.parametrize("codec", ["adpcm_ms", "adpcm_ima_wav", "pcm_alaw", "pcm_mulaw"])
def test_coded_wavs_are_taken(at, codec):
    samples = files.tone(4, rate_hz=22_050)
    path = at(files.coded_bytes(samples, rate_hz=22_050, codec=codec, container="wav"))
    assert inspect_sound(path, param="audio_url").duration_s == pytest.approx(4, abs=0.1)
    heard = read_sound(path, sample_count=3 * RATE_HZ)
    assert np.abs(heard[:, RATE_HZ:]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
def test_many_channels_are_mixed_down_without_clipping(at, channels):
    path = at(files.wav_bytes(files.tone(3, channels=channels) * 1.9))
    assert inspect_sound(path, param="audio_url").duration_s == 3
    heard = read_sound(path, sample_count=3 * RATE_HZ)
    assert 0.3 < np.abs(heard).max() <= 1


@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (48_000, 1), (22_050, 1)])
def test_an_mp3_is_measured_by_decoding(at, rate_hz, channels):
    path = at(files.mp3_bytes(6, rate_hz=rate_hz, channels=channels))
    facts = inspect_sound(path, param="audio_url")
    assert facts.duration_s == pytest.approx(6, abs=0.1)
    assert facts.content_type == "audio/mpeg"
    heard = read_sound(path, sample_count=5 * RATE_HZ)
    assert np.abs(heard[:, RATE_HZ : 4 * RATE_HZ]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("seconds", [3, 30])
def test_both_ends_of_the_range_belong_to_it(at, seconds):
    wav = at(files.wav_bytes(files.tone(seconds, rate_hz=8_000), rate_hz=8_000))
    mp3 = at(files.mp3_bytes(seconds, rate_hz=16_000, channels=1), "mp3")
    inspect_sound(wav, param="audio_url")
    inspect_sound(mp3, param="audio_url")


def test_one_sample_less_or_more_than_the_range_is_refused(at):
    short = files.tone(3, rate_hz=8_000)[:, :-1]
    assert reason_of(at(files.wav_bytes(short, rate_hz=8_000))) == "input_audio_too_short"
    long = np.pad(files.tone(30, rate_hz=8_000), ((0, 0), (0, 1)))
    assert reason_of(at(files.wav_bytes(long, rate_hz=8_000))) == "input_audio_too_long"


def test_a_refused_length_names_rule_and_value(at):
    path = at(files.mp3_bytes(2))
    assert reason_of(path) == "input_audio_too_short"
    assert message_of(path).startswith("audio_url must last 3 to 30 seconds, got 2")
    path = at(files.mp3_bytes(31, rate_hz=16_000, channels=1))
    assert reason_of(path) == "input_audio_too_long"
    assert "got more than 30 seconds" in message_of(path)


def test_a_long_sound_is_cut_with_a_fade_of_ten_milliseconds(at):
    ones = np.full((2, 4 * RATE_HZ), 0.5, np.float32)
    heard = read_sound(
        at(files.wav_bytes(ones, rate_hz=RATE_HZ, kind="f32")), sample_count=3 * RATE_HZ
    )
    assert heard.shape == (2, 3 * RATE_HZ)
    assert heard.dtype == np.float32
    assert np.all(heard[:, :-480] == 0.5)
    assert np.all(np.diff(heard[:, -480:]) < 0)
    assert np.all(heard[:, -1] == 0)


def test_a_short_sound_is_followed_by_exact_zeros(at):
    ones = np.full((2, 3 * RATE_HZ), 0.5, np.float32)
    heard = read_sound(
        at(files.wav_bytes(ones, rate_hz=RATE_HZ, kind="f32")), sample_count=5 * RATE_HZ
    )
    assert np.all(heard[:, : 3 * RATE_HZ] == 0.5)
    assert not heard[:, 3 * RATE_HZ :].any()


def test_a_sound_of_just_the_length_is_left_alone(at):
    ones = np.full((2, 3 * RATE_HZ), 0.5, np.float32)
    path = at(files.wav_bytes(ones, rate_hz=RATE_HZ, kind="f32"))
    assert np.all(read_sound(path, sample_count=3 * RATE_HZ) == 0.5)


def test_a_float_wav_over_full_scale_is_made_quieter_not_clipped(at):
    loud = files.tone(3, rate_hz=RATE_HZ) * 8
    heard = read_sound(
        at(files.wav_bytes(loud, rate_hz=RATE_HZ, kind="f32")), sample_count=3 * RATE_HZ
    )
    assert np.abs(heard).max() == 1
    assert np.mean(np.abs(heard) > 0.99) < 0.1


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 1e12])
@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_samples_that_are_no_numbers_are_refused(at, sample, kind):
    samples = files.tone(4)
    samples[0, 40_000] = sample
    assert reason_of(at(files.wav_bytes(samples, kind=kind))) == "input_audio_broken"


def test_tags_in_any_encoding_do_not_matter(at):
    content = files.wav_bytes(files.tone(3))
    note = (
        b"LIST"
        + (16).to_bytes(4, "little")
        + b"INFOINAM"
        + (4).to_bytes(4, "little")
        + b"\xff\xe9\x81\x00"
    )
    inspect_sound(at(content[:36] + note + content[36:]), param="audio_url")
    inspect_sound(at(files.mp3_bytes(4, title="Überfahrt", artist="☂")), param="audio_url")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"PK\x03\x04" + bytes(400), "a ZIP archive"),
        (b"just words, many of them", "text"),
        (b"OggS" + bytes(400), "Ogg"),
        (b"fLaC" + bytes(400), "FLAC"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(400), "an M4A sound"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "text"),
        (bytes(range(256)) * 8, "unknown bytes"),
        (files.png_of_header(300, 300), "PNG"),
        (b"\xff\xf1\x50\x80" + bytes(400), "unknown bytes"),
    ],
)
def test_other_kinds_are_refused_by_content(at, content, got):
    path = at(content, "song.mp3")
    assert reason_of(path) == "input_audio_type"
    assert message_of(path) == f"audio_url must be a wav or mp3 file, got {got}"


def test_a_wav_with_another_codec_inside_is_refused(at):
    content = files.coded_bytes(
        files.tone(4, rate_hz=44_100, channels=2), rate_hz=44_100, codec="aac", container="wav"
    )
    path = at(content)
    assert reason_of(path) == "input_audio_type"
    assert "wav with aac inside" in message_of(path)
    unknown = bytearray(files.wav_bytes(files.tone(4)))
    unknown[20:22] = b"\x34\x12"
    assert "wav with an unknown codec inside" in message_of(at(bytes(unknown)))


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\x24\x00\x00\x00WAVE",
        b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(16) + b"data\x00\x00\x00\x00",
        b"ID3\x04\x00\x00\x00\x00\x00\x0ahello there, not music at all" * 20,
        b"\xff\xfb\x90\x00" + b"\x55" * 4000,
        files.wav_bytes(files.tone(10))[:300_000],
        files.wav_bytes(files.tone(0)),
    ],
)
def test_broken_files_are_refused_as_such(at, content):
    assert reason_of(at(content)) in {"input_audio_broken", "input_audio_too_short"}


def test_a_wav_that_was_cut_off_says_what_is_missing(at):
    path = at(files.wav_bytes(files.tone(10))[:300_000])
    assert reason_of(path) == "input_audio_broken"
    assert "it declares 441000 bytes of sound and has 299956" in message_of(path)


def test_a_wav_of_unknown_length_is_measured_by_its_samples(at):
    content = files.wav_bytes(files.tone(4), data_bytes=2**32 - 1)
    assert inspect_sound(at(content), param="audio_url").duration_s == 4


def test_an_mp3_cut_out_of_a_longer_one_is_taken(at):
    content = files.mp3_bytes(12)
    start = content.index(b"\xff\xfb", len(content) // 3)
    facts = inspect_sound(at(content[start:-100]), param="audio_url")
    assert facts.duration_s == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize("tags", [{}, {"title": "long " * 60}])
def test_an_mp3_that_lost_half_of_itself_is_refused(at, tags):
    content = bytearray(files.mp3_bytes(10, **tags))
    half = len(content) // 2
    assert reason_of(at(bytes(content[:half]))) == "input_audio_broken"
    assert "it declares 10 seconds of sound and has " in message_of(at(bytes(content[:half])))
    rubbish = np.random.default_rng(1).integers(0, 255, half, dtype=np.uint8)
    content[half // 2 : half // 2 + half] = rubbish.tobytes()
    assert reason_of(at(bytes(content))) == "input_audio_broken"


def test_flipped_bytes_never_raise_anything_else(at):
    noise = np.random.default_rng(5)
    samples = files.tone(3, rate_hz=8_000)
    wholes = [
        files.wav_bytes(samples, rate_hz=8_000),
        files.wav_bytes(samples, rate_hz=8_000, kind="f32"),
        files.coded_bytes(samples, rate_hz=8_000, codec="adpcm_ms", container="wav"),
        files.mp3_bytes(3, rate_hz=16_000, channels=1, title="a"),
    ]
    for whole in wholes:
        for _ in range(60):
            content = bytearray(whole)
            for place in (*noise.integers(4, 100, 3), *noise.integers(4, len(content), 8)):
                content[place] = noise.integers(0, 256)
            path = at(bytes(content))
            try:
                inspect_sound(path, param="audio_url")
                heard = read_sound(path, sample_count=4 * RATE_HZ)
            except InputRejected as error:
                assert error.reason.startswith("input_audio_")
            else:
                assert np.isfinite(heard).all()
                assert np.abs(heard).max() <= 1
