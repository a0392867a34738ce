"""What the operator's commands promise: keys, serve, config, doctor, status, stop and help."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

import fake_serve
from filmgate.cli import app, main
from filmgate.cli.doctor import State, check_disk, check_engines, check_folder
from filmgate.cli.film_file import slug
from filmgate.cli.progress import Pace, stage_words
from filmgate.cli.server import read_running
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.ids import AccountId, ApiKeyId

Run = Callable[..., int]
LAPTOP = ApiKey(
    id=ApiKeyId("key_1"),
    account_id=AccountId("acc_1"),
    name="laptop",
    token_hash=b"",
    prefix="fg_abcd",
    created_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)


class FakeOperator:
    """Keeps keys in a list."""

    def __init__(self) -> None:
        self.keys: list[ApiKey] = []

    async def create_key(self, name: str, *, account: str) -> tuple[ApiKey, str]:
        print("a database was started for this")
        self.keys.append(replace(LAPTOP, name=name))
        return self.keys[-1], "fg_token"

    async def list_keys(self) -> list[ApiKey]:
        return self.keys

    async def revoke_key(self, id_or_name: str) -> ApiKey:
        for key in self.keys:
            if id_or_name in {key.id, key.name}:
                return key
        raise InvalidRequest(f"there is no key {id_or_name!r}")


class FakeBootstrap(ModuleType):
    """Remembers what it was asked to run."""

    def __init__(self, data: Path) -> None:
        super().__init__("filmgate.bootstrap")
        self.operator_in = FakeOperator()
        self.ran: list[tuple[str, Settings | None, bool]] = []
        self.data = data

    def default_data_folder(self) -> Path:
        return self.data

    @asynccontextmanager
    async def operator(self, settings: Settings) -> AsyncIterator[FakeOperator]:
        yield self.operator_in

    def serve(self, settings: Settings, *, is_private: bool) -> int:
        self.ran.append(("serve", settings, is_private))
        return 7

    def run_gateway(self, settings: Settings) -> None:
        self.ran.append(("gateway", settings, False))

    def run_worker(self, settings: Settings) -> None:
        self.ran.append(("worker", settings, False))

    def run_studio(self) -> None:
        self.ran.append(("studio", None, False))


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeBootstrap:
    fake = FakeBootstrap(tmp_path / "data")
    monkeypatch.setitem(sys.modules, "filmgate.bootstrap", fake)
    return fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, bootstrap: FakeBootstrap) -> Run:
    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["filmgate", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code if isinstance(ended.value.code, int) else 0

    return run


def test_a_new_token_stands_alone_on_standard_output(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("keys", "create", "laptop") == 0
    assert capsys.readouterr().out == "fg_token\n"


def test_keys_are_listed_and_revoked_by_name(
    run: Run, bootstrap: FakeBootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.operator_in.keys = [LAPTOP]
    run("keys", "list")
    assert "key_1\tlaptop\tfg_abcd\t2026-01-02 03:04\t–\t–" in capsys.readouterr().out
    assert run("keys", "revoke", "laptop") == 0
    assert capsys.readouterr().out == "Revoked laptop (key_1).\n"


def test_an_unknown_key_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "revoke", "nobody") == 1
    assert capsys.readouterr().err == "filmgate: there is no key 'nobody'\n"


def test_serve_hands_over_its_options_and_ends_as_the_server_does(
    run: Run, bootstrap: FakeBootstrap
) -> None:
    assert run("serve", "--host", "0.0.0.0", "--port", "9000", "--data", "/srv/films") == 7
    [(name, settings, is_private)] = bootstrap.ran
    assert (name, is_private) == ("serve", False)
    assert (settings.host, settings.port, settings.data) == ("0.0.0.0", 9000, "/srv/films")
    assert settings.idle_exit_s == 0


def test_a_private_server_is_local_and_ends_after_fifteen_idle_minutes(
    run: Run, bootstrap: FakeBootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMGATE_HOST", "0.0.0.0")
    run("serve", "--private")
    _, settings, is_private = bootstrap.ran[0]
    assert is_private
    assert (settings.host, settings.port, settings.idle_exit_s) == ("127.0.0.1", 0, 900)
    monkeypatch.setenv("FILMGATE_IDLE_EXIT_S", "5")
    run("serve", "--private")
    assert bootstrap.ran[1][1].idle_exit_s == 5


@pytest.mark.parametrize("name", ["gateway", "worker", "studio"])
def test_each_process_has_its_command(run: Run, bootstrap: FakeBootstrap, name: str) -> None:
    assert run(name) == 0
    assert bootstrap.ran[0][0] == name


def test_a_wrong_setting_ends_with_status_2_and_its_rule(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILMGATE_PORT", "http")
    assert run("serve") == 2
    assert capsys.readouterr().err == "filmgate: port must be a whole number, got 'http'\n"


def test_config_says_where_each_value_comes_from(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILMGATE_PORT", "9000")
    run("config", "--json")
    found = {origin["name"]: origin for origin in json.loads(capsys.readouterr().out)}
    assert (found["port"]["value"], found["port"]["source"]) == (
        "9000",
        "environment FILMGATE_PORT",
    )
    run("config")
    assert "port\t9000\tenvironment FILMGATE_PORT\t" in capsys.readouterr().out


def test_doctor_names_what_is_missing_and_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FILMGATE_ENGINE", "camera-obscura")
    assert run("doctor") == 1
    out = capsys.readouterr().out
    assert "engine camera-obscura\tmissing\tnot installed\tSet FILMGATE_ENGINE to one of" in out
    assert "encoders\tok\tH.264 and AAC" in out
    assert "database\tok\tembedded PostgreSQL" in out


def test_doctor_tells_a_full_disk_and_a_folder_it_may_not_write(tmp_path: Path) -> None:
    assert check_disk(tmp_path, lambda _: (0, 0, 10**6)).state is State.MISSING
    assert check_disk(tmp_path, lambda _: (0, 0, 10**9)).state is State.NOTE
    assert check_disk(tmp_path, lambda _: (0, 0, 10**11)).state is State.OK
    (tmp_path / "file").touch()
    assert check_folder(tmp_path / "file").state is State.MISSING
    assert check_folder(tmp_path / "new/folder").state is State.OK


def test_an_engine_that_is_not_installed_is_missing_only_when_it_is_wanted() -> None:
    assert [f.state for f in check_engines("none-such") if "none-such" in f.name] == [State.MISSING]


def test_status_and_stop_without_a_server(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 3
    assert "server: not running" in capsys.readouterr().out
    assert run("stop") == 0
    assert "No server runs" in capsys.readouterr().out


def test_status_shows_a_running_server_and_stop_ends_it(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(fake_serve.__file__).parents[1] / "src"))
    command = [sys.executable, fake_serve.__file__, "--data", str(tmp_path)]
    with subprocess.Popen(command) as process:
        while read_running(tmp_path) is None:
            assert process.poll() is None
            time.sleep(0.01)
        assert run("status", "--data", str(tmp_path)) == 0
        assert f"process: {process.pid}" in capsys.readouterr().out
        assert run("stop", "--data", str(tmp_path)) == 0
        assert process.wait(20) == 0


def test_every_help_page_has_examples(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for words in _commands(typer.main.get_command(app), []):
        assert run(*words, "--help") == 0
        help_page = capsys.readouterr().out
        assert "\x1b" not in help_page
        assert "Examples:" in help_page or "Commands:" in help_page, words


def _commands(command: Any, words: list[str]) -> list[list[str]]:
    below = getattr(command, "commands", {})
    return [words] + [w for name, sub in below.items() for w in _commands(sub, [*words, name])]


def test_help_does_not_load_what_it_does_not_need() -> None:
    code = (
        "import sys, filmgate.cli; "
        "print([m for m in ('httpx', 'av', 'numpy', 'rich', 'psycopg') if m in sys.modules])"
    )
    source = str(Path(fake_serve.__file__).parents[1] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source}
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Sunset coastal highway, cinematic shot", "sunset-coastal-highway-cinematic-shot"),
        ("../../etc/passwd", "etc-passwd"),
        ("  ", "film"),
        ("夜の街、雨", "夜の街-雨"),
        ("word " * 100, "word-word-word-word-word-word-word-word-word-word"),
        ("x" * 500, "x" * 50),
    ],
)
def test_a_prompt_becomes_a_safe_file_name(prompt: str, name: str) -> None:
    assert slug(prompt) == name


def test_the_remaining_time_follows_the_pace_once_it_is_known() -> None:
    pace = Pace()
    assert pace.remaining_s(0) is None
    pace.see({"status": "pending", "progress": 0, "estimated_time": 60}, 0)
    assert pace.remaining_s(10) == 50
    pace.see({"status": "processing", "progress": 0, "estimated_time": 60}, 10)
    pace.see({"status": "processing", "progress": 50, "estimated_time": 60}, 15)
    assert pace.remaining_s(15) == 5
    assert pace.remaining_s(99) == 0


def test_the_words_for_a_wait_count_only_those_ahead() -> None:
    pending = {"status": "pending", "stage": "queue"}
    assert stage_words({**pending, "queue_position": 1}) == "waiting for a worker"
    assert stage_words({**pending, "queue_position": 3}) == "waiting, 2 ahead"
