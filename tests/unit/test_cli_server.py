"""Which server a client command finds, and when it starts one. The servers are stand-ins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fake_serve
from filmgate import __version__
from filmgate.cli.failure import CommandFailed
from filmgate.cli.server import (
    end_server,
    is_locked,
    local_server,
    named_server,
    read_running,
)

# Commands leave their servers running on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SERVE = (sys.executable, fake_serve.__file__)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    source = Path(fake_serve.__file__).parents[1] / "src"
    monkeypatch.setenv("PYTHONPATH", str(source))
    folder = tmp_path / "data"
    yield folder
    running = read_running(folder)
    if running and is_locked(folder):
        assert end_server(folder, running.pid, timeout_s=20)


def _starts(data: Path) -> list[str]:
    return (data / "starts").read_text().split()


def _say(_: str) -> None:
    return


def test_a_server_is_started_where_none_runs(data: Path) -> None:
    server = local_server(data, say=_say, command=SERVE)
    assert server.token == "fg_client"
    assert server.is_local
    assert is_locked(data)


def test_a_running_server_is_used_again(data: Path) -> None:
    first = local_server(data, say=_say, command=SERVE)
    assert local_server(data, say=_say, command=SERVE) == first
    assert len(_starts(data)) == 1


def test_of_two_first_commands_one_starts_the_server(data: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(local_server, data, say=_say, command=SERVE) for _ in range(2)]
        assert both[0].result() == both[1].result()
    assert len(_starts(data)) == 1


def test_what_a_dead_server_left_behind_is_ignored(data: Path) -> None:
    local_server(data, say=_say, command=SERVE)
    os.kill(read_running(data).pid, signal.SIGKILL)
    os.waitpid(int(_starts(data)[0]), 0)
    server = local_server(data, say=_say, command=SERVE)
    assert len(_starts(data)) == 2
    assert read_running(data).url == server.url


def test_a_private_server_of_another_version_is_restarted(data: Path) -> None:
    data.mkdir()
    with _running(data, "--version", "0.0.9"):
        said: list[str] = []
        local_server(data, say=said.append, command=SERVE)
        assert "ending the server of filmgate 0.0.9" in said
        assert read_running(data).version == __version__


def test_a_public_server_of_another_version_is_left_alone(data: Path) -> None:
    data.mkdir()
    with _running(data, "--version", "0.0.9", "--public") as process:
        with pytest.raises(CommandFailed, match=r"A filmgate 0\.0\.9 server runs") as refused:
            local_server(data, say=_say, command=SERVE)
        assert str(process.pid) in refused.value.advice
        assert process.poll() is None
        process.terminate()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(data: Path) -> None:
    with pytest.raises(CommandFailed, match="the database has no room") as failed:
        local_server(data, say=_say, command=(*SERVE, "--crash"))
    assert "filmgate doctor" in failed.value.advice


def test_logs_are_their_owners_alone(data: Path) -> None:
    local_server(data, say=_say, command=SERVE)
    assert (data / "logs").stat().st_mode & 0o777 == 0o700
    assert (data / "logs/server.log").stat().st_mode & 0o777 == 0o600


def test_a_named_server_needs_a_key() -> None:
    assert named_server({}) is None
    with pytest.raises(CommandFailed, match="FILMGATE_API_KEY is not set"):
        named_server({"FILMGATE_URL": "https://films.example.com"})
    server = named_server({"FILMGATE_URL": "https://a.example/", "FILMGATE_API_KEY": "fg_x"})
    assert (server.url, server.token) == ("https://a.example", "fg_x")


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_a_named_server_may_be_told_with_or_without_its_version(end: str) -> None:
    server = named_server(
        {"FILMGATE_URL": f"https://a.example/films{end}", "FILMGATE_API_KEY": "fg_x"}
    )
    assert server is not None
    assert server.url == "https://a.example/films"


class _running:
    """A stand-in server that somebody else started, ready when the block begins."""

    def __init__(self, data: Path, *words: str) -> None:
        self.command = [*SERVE, *words, "--data", str(data)]
        self.data = data

    def __enter__(self) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(self.command)
        while read_running(self.data) is None:
            assert self.process.poll() is None
            time.sleep(0.01)
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
