"""One text encoder for several workers gives the films that each worker's own would have given."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from filmgate import __version__
from filmgate.bootstrap.text_encoder import listening
from filmgate.cli.doctor import State, check_text_encoder
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError, EngineFailed
from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.ltx2.engine import _start
from filmgate.engines.neural import shared_reader, text_wire
from filmgate.engines.neural.model import SHELF, Model
from filmgate.engines.neural.options import options_from
from filmgate.engines.neural.shared_reader import ask, is_listening
from filmgate.engines.neural.text_identity import text_identity
from filmgate.engines.neural.text_server import Encoder, TextServer, load_encoders
from filmgate.engines.neural.text_wire import PREFIX, Question
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Unobserved
from neural.conftest import LTX2_CALL, WAN_CALL
from neural.watching import BRIEF, frames_from, red_and_blue
from serving import wait_until

LIMIT_S = 60
GUIDED = LTX2_CALL.replace("\nguidance_scale = 1.0", "\nguidance_scale = 3.0")


@pytest.fixture
def path(tmp_path_factory) -> Path:
    """Short: a socket's path has at most 107 bytes."""
    return tmp_path_factory.mktemp("s") / "text.sock"


@pytest.fixture
def wan(weights, profile, path) -> dict[str, str]:
    return {
        "wan_model": str(weights("wan-ti2v")),
        "wan_profile": str(profile()),
        "neural_text_encoder_socket": str(path),
    }


@contextmanager
def answering(path: Path, encoders: list[Encoder], **limits: int) -> Iterator[None]:
    """A text encoder at a socket, for the length of a block."""
    ended: list[Callable[[], object]] = []
    is_ready = threading.Event()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        ended.append(lambda: loop.call_soon_threadsafe(stop.set))
        with listening(path) as listener:
            is_ready.set()
            await TextServer(encoders, **limits).serve(listener, stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert is_ready.wait(LIMIT_S)
    try:
        yield
    finally:
        ended[0]()
        thread.join(LIMIT_S)


def encoders_of(engine: str, settings: dict[str, str]) -> list[Encoder]:
    return load_encoders(engine, options_from(engine, settings))


class CountingEncoder:
    """An encoder that remembers what it read, and waits before it does if told to."""

    weights, dtype = "weights", "float32"

    def __init__(self, *, body_bytes: int = 10) -> None:
        self.read: list[str] = []
        self.may_read = threading.Event()
        self.may_read.set()
        self.is_reading = threading.Event()
        self._body = bytes(body_bytes)

    def body(self, question: Question) -> bytes:
        self.is_reading.set()
        assert self.may_read.wait(LIMIT_S)
        self.read.append(question.text)
        return self._body


def question(text: str = "a film", **changes) -> Question:
    facts = {"version": __version__, "weights": "weights", "dtype": "float32", "tokens_max": 8}
    return Question(**{**facts, **changes}, text=text)


def own(settings: dict[str, str]) -> dict[str, str]:
    return {**settings, "neural_text_encoder_socket": ""}


# ---- films


@pytest.mark.parametrize("tokens", ["max_sequence_length = 32", ""], ids=["some", "default"])
@pytest.mark.parametrize(
    ("engine", "kind", "call"),
    [(WanEngine, "wan-ti2v", WAN_CALL), (LTX2Engine, "ltx2", GUIDED)],
    ids=["wan", "ltx2"],
)
def test_prompts_are_read_as_the_plain_call_reads_them(
    weights, profile, monkeypatch, engine, kind, call, tokens
):
    call = call.replace("max_sequence_length = 32", tokens)
    path = profile(step=8, frames_max=81, call=call)
    settings = {f"{engine.name}_model": str(weights(kind)), f"{engine.name}_profile": str(path)}
    brief = replace(BRIEF, negative_prompt="blurry, low quality")
    read = frames_from(engine.configured(settings), brief)
    monkeypatch.setattr(
        Model,
        "words",
        lambda *_: {"prompt": brief.prompt, "negative_prompt": brief.negative_prompt},
    )
    assert np.array_equal(read, frames_from(engine.configured(settings), brief))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("negative", ["", "blurry, low quality"])
def test_wan_makes_the_film_of_its_own_encoder(wan, path, negative, dtype):
    wan["neural_dtype"] = dtype
    brief = replace(BRIEF, negative_prompt=negative)
    expected = frames_from(WanEngine.configured(own(wan)), brief)
    with answering(path, encoders_of("wan", wan)):
        shared = frames_from(WanEngine.configured(wan), brief)
    assert np.array_equal(expected, shared)
    assert SHELF.models()[-1].pipeline("text").text_encoder is None, "it was not even loaded"


@pytest.mark.parametrize("call", [LTX2_CALL, GUIDED], ids=["distilled", "guided"])
@pytest.mark.parametrize("kind", ["ltx2", "ltx2.5"])
def test_ltx2_makes_the_film_of_its_own_encoder(weights, profile, path, tmp_path, kind, call):
    settings = {
        "ltx2_model": str(weights(kind)),
        "ltx2_profile": str(profile(step=8, frames_max=81, call=call)),
        "neural_text_encoder_socket": str(path),
    }
    brief = replace(BRIEF, image_path=red_and_blue(tmp_path / "picture.png"))
    expected = LTX2Engine.configured(own(settings)).make(brief, Unobserved())
    with answering(path, encoders_of("ltx2", settings)):
        shared = LTX2Engine.configured(settings).make(brief, Unobserved())
    assert np.array_equal(list(expected.frames()), list(shared.frames()))
    assert np.array_equal(expected.sound(), shared.sound())


@pytest.mark.parametrize(("kind", "crf"), [("gemma3", 33), ("gemma4_unified", 18)])
def test_ltx2_compresses_a_start_image_as_its_absent_encoder_wants(tmp_path, kind, crf):
    (tmp_path / "text_encoder").mkdir()
    (tmp_path / "text_encoder" / "config.json").write_text(json.dumps({"model_type": kind}))
    pipeline = SimpleNamespace(config=SimpleNamespace(_name_or_path=str(tmp_path)))
    assert _start(pipeline, Image.new("RGB", (8, 8)))["image_crf"] == crf


def test_a_text_encoder_that_was_started_again_reads_on(wan, path, monkeypatch):
    engine = WanEngine.configured(wan)
    with answering(path, encoders_of("wan", wan)):
        first = frames_from(engine, BRIEF)
    monkeypatch.setattr(shared_reader, "ABSENT_S", 0)
    with pytest.raises(EngineFailed, match="start `filmgate text-encoder`"):
        engine.make(BRIEF, Unobserved())
    with answering(path, encoders_of("wan", wan)):
        assert np.array_equal(first, frames_from(engine, BRIEF))


@pytest.mark.parametrize(
    ("engine", "kind"), [("wan", "wan-ti2v"), ("wan", "wan-i2v-two"), ("ltx2", "ltx2.5")]
)
def test_nothing_but_what_reads_is_loaded(weights, tmp_path, engine, kind):
    folder = weights(kind)
    shutil.copy(folder / "model_index.json", tmp_path)
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(folder / part, tmp_path / part)
    (encoder,) = encoders_of(engine, {f"{engine}_model": str(tmp_path)})
    loaded = {name for name, part in encoder.pipeline.components.items() if part is not None}
    assert loaded == {"text_encoder", "tokenizer"}


def test_weights_that_read_alike_are_held_once(weights):
    both = {
        "wan_model": str(weights("wan-t2v-two")),
        "wan_image_model": str(weights("wan-t2v-two")),
    }
    assert len(encoders_of("wan", both)) == 1


# ---- refusals


def test_a_worker_of_other_weights_is_refused(wan, weights, path):
    other = {**wan, "wan_model": str(weights("wan-t2v"))}
    with (
        answering(path, encoders_of("wan", other)),
        pytest.raises(EngineFailed, match="was started for other weights"),
    ):
        WanEngine.configured(wan).make(BRIEF, Unobserved())


def test_a_worker_of_other_numbers_is_refused(wan, path):
    with (
        answering(path, encoders_of("wan", wan)),
        pytest.raises(EngineFailed, match="computes with float32, this worker with bfloat16"),
    ):
        WanEngine.configured({**wan, "neural_dtype": "bfloat16"}).make(BRIEF, Unobserved())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "0.0.1"}, f"is filmgate {__version__}, this worker 0.0.1"),
        ({"tokens_max": 5000}, "tokens_max must be within 1 and 4096, got 5000"),
        ({"tokens_max": 0}, "tokens_max must be within 1 and 4096, got 0"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(path, changes, reason):
    with answering(path, [CountingEncoder()]), pytest.raises(EngineFailed, match=reason):
        ask(path, question(**changes))


def test_a_text_that_is_too_long_is_not_sent(path):
    with answering(path, [CountingEncoder()]), pytest.raises(EngineFailed, match="at most 262144"):
        ask(path, question("a" * 300_000))


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        (PREFIX.pack(b"FGT1", 2**31, 0), b"a header has at most 262144 bytes, got 2147483648"),
        (PREFIX.pack(b"FGT1", 10, 1), b"a body has at most 0 bytes, got 1"),
        (PREFIX.pack(b"HTTP", 10, 0), b"speaks another language"),
        (PREFIX.pack(b"FGT1", 2, 0) + b"{}", b"brought no Question"),
    ],
)
def test_what_is_no_question_is_refused_before_it_is_read(path, prefix, reason):
    with answering(path, [CountingEncoder()]), socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LIMIT_S)
        line.connect(str(path))
        line.sendall(prefix)
        assert reason in line.recv(4096)


def test_an_answer_that_is_too_long_is_not_read(path):
    with listening(path) as listener:

        def promise_too_much() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(PREFIX.pack(b"FGT1", 2, 2**40))
                line.recv(1)

        thread = threading.Thread(target=promise_too_much)
        thread.start()
        with pytest.raises(EngineFailed, match="at most 1073741824 bytes, got 1099511627776"):
            ask(path, question())
        thread.join(LIMIT_S)


def test_reading_that_is_too_long_to_send_is_refused(path):
    with (
        answering(path, [CountingEncoder(body_bytes=text_wire.BODY_BYTES_MAX + 1)]),
        pytest.raises(EngineFailed, match="a body has at most"),
    ):
        ask(path, question())


def test_a_prompt_waits_for_a_text_encoder_that_is_being_started(path, monkeypatch):
    encoder, has_looked = CountingEncoder(), threading.Event()
    connect = shared_reader._connect

    def looked(*given) -> None:
        try:
            connect(*given)
        except EngineFailed:
            has_looked.set()
            raise

    monkeypatch.setattr(shared_reader, "_connect", looked)
    asker = asking(path, "early")
    assert has_looked.wait(LIMIT_S)
    with answering(path, [encoder]):
        asker.join(LIMIT_S)
    assert encoder.read == ["early"]


def test_a_text_encoder_that_is_silent_is_given_up(path, monkeypatch):
    monkeypatch.setattr(shared_reader, "ANSWER_S", 0.2)
    with listening(path), pytest.raises(EngineFailed, match="said nothing for 0 s"):
        ask(path, question())


# ---- turns


def asking(path: Path, text: str) -> threading.Thread:
    thread = threading.Thread(target=ask, args=(path, question(text)))
    thread.start()
    return thread


def test_what_was_read_is_not_read_again(path):
    encoder = CountingEncoder()
    with answering(path, [encoder]):
        for text in ("blurry", "sunset", "blurry", "city", "blurry"):
            ask(path, question(text))
    assert encoder.read == ["blurry", "sunset", "city"]


def test_what_is_kept_has_a_bound(path):
    encoder = CountingEncoder(body_bytes=10)
    with answering(path, [encoder], kept_bytes_max=25):
        for text in ("one", "two", "one", "three", "one", "two"):
            ask(path, question(text))
    assert encoder.read == ["one", "two", "three", "two"], "the one longest unused left"


def test_the_prompt_of_an_asker_who_is_gone_is_not_read(path):
    encoder = CountingEncoder()
    encoder.may_read.clear()
    with answering(path, [encoder]):
        first = asking(path, "first")
        assert encoder.is_reading.wait(LIMIT_S)
        with socket.socket(socket.AF_UNIX) as gone:
            gone.connect(str(path))
            gone.sendall(text_wire.head_of(question("gone")))
        with pytest.raises(EngineFailed, match="this worker 0"):  # by now it is seen to be gone
            ask(path, question(version="0"))
        last = asking(path, "last")
        encoder.may_read.set()
        for thread in (first, last):
            thread.join(LIMIT_S)
    assert encoder.read == ["first", "last"]


def test_no_more_than_so_many_wait(path, monkeypatch):
    monkeypatch.setattr("filmgate.engines.neural.text_server.WAITING_MAX", 1)
    encoder = CountingEncoder()
    encoder.may_read.clear()
    with answering(path, [encoder]):
        first = asking(path, "first")
        assert encoder.is_reading.wait(LIMIT_S)
        with pytest.raises(EngineFailed, match="1 prompts wait for the text encoder already"):
            ask(path, question("second"))
        encoder.may_read.set()
        first.join(LIMIT_S)


# ---- identity


def test_weights_of_the_same_shape_are_told_apart(weights, tmp_path):
    folder = weights("wan-t2v")
    copy = tmp_path / "copy"
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(folder / part, copy / part)
    assert text_identity("wan", folder) == text_identity("wan", copy)
    file = copy / "text_encoder" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert text_identity("wan", folder) != text_identity("wan", copy)


# ---- the socket, and the command


def test_only_this_user_may_connect(path):
    with listening(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists(), "it is gone at the end"


def test_doctor_says_whether_anybody_listens(path):
    assert list(check_text_encoder(Settings())) == [], "no setting, no finding"
    settings = Settings(neural_text_encoder_socket=str(path))
    (absent,) = check_text_encoder(settings)
    with listening(path):
        (there,) = check_text_encoder(settings)
    assert (absent.state, there.state) == (State.MISSING, State.OK)
    assert "filmgate text-encoder" in absent.remedy


def test_a_socket_that_was_left_behind_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    assert path.exists()
    with listening(path):
        assert is_listening(path)


def test_a_living_text_encoder_is_not_replaced(path):
    with listening(path):
        with pytest.raises(ConfigError, match=r"listens at .* already"), listening(path):
            pass
        assert is_listening(path)


def test_a_folder_that_others_may_write_to_is_refused(path):
    path.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="only you may write to"), listening(path):
        pass


def test_a_file_is_never_replaced(path):
    path.write_text("precious")
    with pytest.raises(ConfigError, match="is something else"), listening(path):
        pass
    assert path.read_text() == "precious"


def test_the_command_says_what_workers_need_and_ends_cleanly(wan, path, tmp_path):
    expected = frames_from(WanEngine.configured(own(wan)), BRIEF)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    environment |= {f"FILMGATE_{name.upper()}": value for name, value in wan.items()}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    log = tmp_path / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "filmgate", "text-encoder"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
    try:
        wait_until(
            lambda: f"FILMGATE_NEURAL_TEXT_ENCODER_SOCKET={path}" in log.read_text(),
            LIMIT_S,
            log.read_text,
        )
        assert np.array_equal(expected, frames_from(WanEngine.configured(wan), BRIEF))
        process.terminate()
        assert process.wait(LIMIT_S) == 0, log.read_text()
        assert not path.exists()
    finally:
        process.kill()
        process.wait()
