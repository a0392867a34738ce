"""What `filmgate generate` and `filmgate tasks` promise, against a fake gateway."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

import filmgate
from fake_gateway import TASK_ID, TOKEN, FakeGateway, completed, task
from filmgate.cli import main
from filmgate.cli.api import Api
from filmgate.cli.server import Server

SOURCE = str(Path(filmgate.__file__).parents[1])
Run = Callable[..., "Result"]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def _film() -> bytes:
    """Ten frames of 64x48 at 24 fps."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            picture = np.zeros((48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return buffer.getvalue()


FILM = _film()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGateway]:
    with FakeGateway([task("pending", stage="queue")], film=FILM) as fake:
        fake.states += [task("processing", progress=40), completed(fake.url)]
        monkeypatch.setenv("FILMGATE_URL", fake.url)
        monkeypatch.setenv("FILMGATE_API_KEY", TOKEN)
        monkeypatch.chdir(tmp_path)
        yield fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["filmgate", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


def test_a_prompt_becomes_a_file_named_after_it(gateway: FakeGateway, run: Run) -> None:
    result = run("generate", "Sunset coastal highway, cinematic shot")
    assert result.code == 0
    path = Path("sunset-coastal-highway-cinematic-shot-7K3Q.mp4")
    assert path.read_bytes() == FILM
    assert [p.name for p in Path().iterdir()] == [path.name]
    for words in (str(path), "64×48", "0.417 s", "draft", "12345", "$0.332 (3.32 credits)"):
        assert words in result.out


def test_lines_without_a_terminal_carry_no_escape_codes(gateway: FakeGateway, run: Run) -> None:
    result = run("generate", "A cat")
    assert "\x1b" not in result.out + result.err
    assert "40 %  making the frames" in result.err


def test_json_is_all_there_is_on_standard_output(gateway: FakeGateway, run: Run) -> None:
    printed = json.loads(run("generate", "A cat", "--json").out)
    assert printed["id"] == TASK_ID
    assert printed["path"] == "a-cat-7K3Q.mp4"


def test_only_given_options_are_sent(gateway: FakeGateway, run: Run) -> None:
    run("generate", "A cat")
    assert gateway.submitted() == [{"model": "wan2.5-preview", "prompt": "A cat"}]


def test_every_option_becomes_its_field(gateway: FakeGateway, run: Run) -> None:
    words = "--size 9:16 --resolution 1080p --duration 10 --seed 0 --negative people --watermark"
    result = run("generate", "A cat", *words.split(), "--no-prompt-extend", "-o", "x.mp4")
    assert result.code == 0
    assert gateway.submitted() == [
        {
            "model": "wan2.5-preview",
            "prompt": "A cat",
            "size": "9:16",
            "resolution": "1080p",
            "duration": 10,
            "seed": 0,
            "negative_prompt": "people",
            "watermark": True,
            "prompt_extend": False,
        }
    ]
    assert Path("x.mp4").exists()


def test_files_are_uploaded_and_addresses_are_passed_on(gateway: FakeGateway, run: Run) -> None:
    Path("portrait.jpg").write_bytes(b"picture")
    result = run("generate", "--image", "portrait.jpg", "--audio", "https://example.com/a.mp3")
    assert result.code == 0
    assert b"picture" in gateway.bodies("POST", "/v1/uploads/images")[0]
    assert gateway.submitted() == [
        {
            "model": "wan2.5-preview",
            "image_urls": [f"{gateway.url}/v1/files/an-image"],
            "audio_url": "https://example.com/a.mp3",
        }
    ]


def test_the_key_goes_to_the_api_and_not_to_the_file(gateway: FakeGateway, run: Run) -> None:
    run("generate", "A cat")
    keyed = {path: headers.get("authorization") for _, path, headers, _ in gateway.requests}
    assert keyed[f"/v1/tasks/{TASK_ID}"] == f"Bearer {TOKEN}"
    assert keyed[f"/v1/files/{TASK_ID}.mp4"] is None


def test_a_file_that_exists_is_never_overwritten(gateway: FakeGateway, run: Run) -> None:
    Path("a-cat-7K3Q.mp4").write_text("mine")
    run("generate", "A cat")
    assert Path("a-cat-7K3Q.mp4").read_text() == "mine"
    assert Path("a-cat-7K3Q-2.mp4").read_bytes() == FILM


def test_a_named_file_that_exists_is_refused_before_anything_is_made(
    gateway: FakeGateway, run: Run
) -> None:
    Path("x.mp4").write_text("mine")
    result = run("generate", "A cat", "-o", "x.mp4")
    assert (result.code, gateway.submitted()) == (2, [])
    assert "x.mp4 exists already" in result.err


def test_overwrite_replaces_the_named_file(gateway: FakeGateway, run: Run) -> None:
    Path("x.mp4").write_text("mine")
    run("generate", "A cat", "-o", "x.mp4", "--overwrite")
    assert Path("x.mp4").read_bytes() == FILM


def test_a_missing_input_is_told_before_anything_is_sent(gateway: FakeGateway, run: Run) -> None:
    result = run("generate", "A cat", "--image", "none.jpg")
    assert (result.code, gateway.requests) == (2, [])
    assert "none.jpg cannot be read" in result.err


def test_nothing_to_show_is_told_with_an_example(gateway: FakeGateway, run: Run) -> None:
    result = run("generate")
    assert result.code == 2
    assert "For example: filmgate generate" in result.err


def test_broken_rules_are_told_in_the_servers_words(gateway: FakeGateway, run: Run) -> None:
    rules = ["duration must be 5 or 10 seconds, got 7", "size must be one of …"]
    error = {"code": 400, "message": "; ".join(rules), "type": "invalid_request_error"}
    error["details"] = [{"param": "x", "message": rule} for rule in rules]
    gateway.refusals["POST /v1/videos/generations"] = [(400, {}, {"error": error})]
    result = run("generate", "A cat", "--duration", "7")
    assert result.code == 2
    assert all(f"\n  {rule}\n" in result.err for rule in rules)


def test_a_refused_key_is_told_with_what_to_do(gateway: FakeGateway, run: Run) -> None:
    error = {"error": {"code": 401, "message": "Invalid API key", "type": "authentication_error"}}
    gateway.refusals["POST /v1/videos/generations"] = [(401, {}, error)]
    result = run("generate", "A cat")
    assert result.code == 1
    assert "filmgate keys create" in result.err


def test_a_busy_server_is_asked_again_with_the_same_key(gateway: FakeGateway, run: Run) -> None:
    error = {"error": {"code": "queue_full", "message": "full", "type": "rate_limit_error"}}
    gateway.refusals["POST /v1/videos/generations"] = [(429, {"Retry-After": "0"}, error)]
    assert run("generate", "A cat").code == 0
    keys = {h.get("idempotency-key") for _, path, h, _ in gateway.requests if "gener" in path}
    assert (len(gateway.submitted()), len(keys)) == (2, 1)


def test_a_failed_task_tells_its_reason(gateway: FakeGateway, run: Run) -> None:
    reason = {"code": "input_audio_too_short", "message": "audio is 1.0 s", "param": "audio_url"}
    gateway.states = [task("failed", progress=100, error=reason)]
    result = run("generate", "A cat", "--json")
    assert result.code == 1
    assert "audio is 1.0 s (audio_url)" in result.err
    assert json.loads(result.out)["path"] is None


def test_a_dead_server_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway, run: Run
) -> None:
    monkeypatch.setenv("FILMGATE_URL", "http://127.0.0.1:1")
    result = run("generate", "A cat")
    assert result.code == 1
    assert "Is FILMGATE_URL right" in result.err


def test_an_address_without_a_key_is_told(
    monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway, run: Run
) -> None:
    monkeypatch.delenv("FILMGATE_API_KEY")
    result = run("generate", "A cat")
    assert result.code == 2
    assert "FILMGATE_API_KEY is not set" in result.err


def test_a_private_server_that_ended_is_started_again(gateway: FakeGateway) -> None:
    ended = Server(url="http://127.0.0.1:1", token="fg_old", is_local=True)
    successor = Server(url=gateway.url, token=TOKEN, is_local=True)
    with Api(ended, revive=lambda: successor) as api:
        assert api.submit({"prompt": "A cat"}, idempotency_key="k") == TASK_ID
    assert gateway.requests[0][2]["authorization"] == f"Bearer {TOKEN}"


def test_ctrl_c_cancels_the_task(monkeypatch: pytest.MonkeyPatch, gateway: FakeGateway) -> None:
    monkeypatch.setenv("PYTHONPATH", SOURCE)
    gateway.states = [task("processing", progress=40)]
    command = [sys.executable, "-m", "filmgate", "generate", "A cat"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        gateway.wait_for("GET", f"/v1/tasks/{TASK_ID}")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert gateway.bodies("POST", f"/v1/tasks/{TASK_ID}/cancel") == [b""]
    assert f"{TASK_ID} is cancelled" in err


def test_a_terminal_shows_a_live_bar(gateway: FakeGateway) -> None:
    gateway.states = [task("processing", progress=40), completed(gateway.url)]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "filmgate", "generate", "A cat"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": SOURCE}
    with subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    assert "40 %" in shown.decode()
    assert "left" in shown.decode()
    assert "╭─ Your film" in shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side was closed
        return b""


def test_tasks_are_listed_shown_and_cancelled(gateway: FakeGateway, run: Run) -> None:
    gateway.states = [completed(gateway.url)]
    listed = run("tasks", "list").out.splitlines()
    assert listed[1].startswith(f"{TASK_ID}\tcompleted\t100\t")
    assert f"film: {gateway.url}/v1/files/{TASK_ID}.mp4" in run("tasks", "show", TASK_ID).out
    assert json.loads(run("tasks", "show", TASK_ID, "--json").out)["id"] == TASK_ID
    assert f"{TASK_ID} is cancelled." in run("tasks", "cancel", TASK_ID).out
