"""What the operator's commands promise: keys, serve, config, doctor, status, stop and help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import typer

import fake_serve
from filmgate.bootstrap import routes_in_force, silent_logs
from filmgate.cli import app, main
from filmgate.cli.doctor import State, check_disk, check_engines, check_folder
from filmgate.cli.film_file import slug
from filmgate.cli.progress import Pace, stage_words
from filmgate.cli.server import read_running
from filmgate.config import Settings
from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey, Budget, KeyScope, Priority, Spent, hash_token
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.ledger import Balance
from filmgate.service.upstream import Routes

Run = Callable[..., int]
LAPTOP = ApiKey(
    id=ApiKeyId("key_1"),
    account_id=AccountId("acct_1"),
    name="laptop",
    token_hash=b"",
    prefix="fg_abcd",
    created_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)
MAIN = Account(
    id=AccountId("acct_1"),
    name="main",
    created_at=LAPTOP.created_at,
    balance=Balance(),
    unfinished=0,
    usable_keys=1,
)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class FakeKeys:
    """The part of a store that holds accounts and keys."""

    def __init__(self) -> None:
        self.accounts_by_name = {"main": MAIN}
        self.kept: dict[str, ApiKey] = {}

    async def ensure_account(self, account_id: str, *, name: str, at: datetime) -> str:
        return self.accounts_by_name[name].id

    async def add_account(self, account_id: str, *, name: str, **_: Any) -> bool:
        self.accounts_by_name[name] = replace(MAIN, id=AccountId(account_id), name=name)
        return True

    async def accounts(self, *, sought: str | None = None) -> list[Account]:
        found = self.accounts_by_name.values()
        return [one for one in found if sought in {None, one.id, one.name}]

    async def add_key(self, key: ApiKey) -> None:
        self.kept[key.id] = key

    async def key(self, key_id: str) -> ApiKey | None:
        return self.kept.get(key_id)

    async def keys(self, *, account_id: str | None = None) -> list[ApiKey]:
        return [key for key in self.kept.values() if account_id in {None, key.account_id}]

    async def edit_key(self, key: ApiKey) -> None:
        self.kept[key.id] = key

    async def disable_key(self, key_id: str, *, at: datetime | None) -> None:
        self.kept[key_id] = replace(self.kept[key_id], disabled_at=at)

    async def revoke_key(self, key_id: str, *, at: datetime) -> None:
        self.kept[key_id] = replace(self.kept[key_id], revoked_at=at)

    async def rotate_key(self, key_id: str, *, token_hash: bytes, **_: Any) -> None:
        self.kept[key_id] = replace(self.kept[key_id], token_hash=token_hash)

    async def spending(self, **_: Any) -> dict[ApiKeyId, Spent]:
        return {ApiKeyId("key_1"): Spent(day=332_000, total=332_000)}


class FakeBootstrap(ModuleType):
    """Remembers what it was asked to run."""

    def __init__(self, data: Path) -> None:
        super().__init__("filmgate.bootstrap")
        self.store = FakeKeys()
        self.deps = SimpleNamespace(
            store=self.store,
            clock=SimpleNamespace(now=lambda: NOW),
            entropy=SimpleNamespace(bytes=os.urandom),
            models={"wan2.5-preview": None},
            limits=SimpleNamespace(key_requests_per_minute=0),
            known_keys={},
        )
        self.silent_logs = silent_logs
        self.ran: list[tuple[str, Settings | None, bool]] = []
        self.data = data

    def default_data_folder(self) -> Path:
        return self.data

    @asynccontextmanager
    async def operator(self, settings: Settings) -> AsyncIterator[SimpleNamespace]:
        yield self.deps

    def serve(self, settings: Settings, *, is_private: bool) -> int:
        self.ran.append(("serve", settings, is_private))
        return 7

    def run_gateway(self, settings: Settings) -> None:
        self.ran.append(("gateway", settings, False))

    def run_worker(self, settings: Settings) -> None:
        self.ran.append(("worker", settings, False))

    def run_studio(self, settings: Settings, *, is_resident: bool) -> None:
        self.ran.append(("studio", settings, is_resident))

    def routes_in_force(self, settings: Settings) -> Routes:
        return routes_in_force(settings)


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeBootstrap:
    fake = FakeBootstrap(tmp_path / "data")
    (fake.data / "files").mkdir(parents=True)
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
    out, err = capsys.readouterr()
    assert re.fullmatch(r"fg_\S{43}\n", out)
    assert err == ""


def test_a_key_is_made_with_all_its_limits(run: Run, bootstrap: FakeBootstrap) -> None:
    limits = "--scopes read,manage --models wan2.5-preview --networks 10.0.0.0/8 --priority low"
    more = "--requests-per-minute 60 --concurrent-tasks 2 --queue-length 9 --expires 2099-01-31"
    budgets = "--budget-day 5 --budget-month 50.5 --budget-total 100"
    assert run("keys", "create", "web", *f"{limits} {more} {budgets}".split()) == 0
    [key] = bootstrap.store.kept.values()
    assert (key.scopes, key.priority) == ({KeyScope.READ, KeyScope.MANAGE}, Priority.LOW)
    assert (key.models, key.networks) == ({"wan2.5-preview"}, ("10.0.0.0/8",))
    limited = (key.requests_per_minute, key.concurrent_tasks_max, key.queue_length_max)
    assert limited == (60, 2, 9)
    assert key.budget == Budget(day=5_000_000, month=50_500_000, total=100_000_000)
    assert key.expires_at == datetime(2099, 1, 31, tzinfo=UTC)


def test_a_mistyped_account_makes_no_new_one(
    run: Run, bootstrap: FakeBootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    store = bootstrap.store
    assert run("keys", "create", "web", "--account", "mian") == 2
    assert 'no account is named "mian"; did you mean main?' in capsys.readouterr().err
    assert (list(store.accounts_by_name), store.kept) == (["main"], {})
    assert run("keys", "create", "web", "--account", "customer", "--new-account") == 0
    assert list(store.accounts_by_name) == ["main", "customer"]


def test_the_word_none_lifts_a_limit(run: Run, bootstrap: FakeBootstrap) -> None:
    kept = bootstrap.store.kept
    kept["key_1"] = replace(LAPTOP, budget=Budget(day=1), requests_per_minute=5)
    options = "--budget-day none --requests-per-minute none --budget-total 2"
    assert run("keys", "edit", "laptop", *options.split()) == 0
    assert kept["key_1"].budget == Budget(total=2_000_000)
    assert kept["key_1"].requests_per_minute is None


def test_what_is_wrong_with_a_limit_is_told(
    run: Run, bootstrap: FakeBootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("keys", "create", "web", "--queue-length", "many") == 2
    assert 'queue_length_max must be an integer, got "many"' in capsys.readouterr().err
    assert run("keys", "rotate", "web", "--overlap", "soon") == 2
    assert bootstrap.store.kept == {}


def test_keys_are_listed_shown_disabled_rotated_and_revoked_by_name(
    run: Run, bootstrap: FakeBootstrap, capsys: pytest.CaptureFixture[str]
) -> None:
    store = bootstrap.store
    store.kept["key_1"] = LAPTOP
    run("keys", "list")
    line = "key_1\tlaptop\tmain\tfg_abcd\tactive\tgenerate,read\t$0.332\t–"
    assert line in capsys.readouterr().out
    run("keys", "show", "laptop", "--json")
    assert json.loads(capsys.readouterr().out)["spent_usd_day"] == 0.332
    run("keys", "disable", "laptop")
    assert store.kept["key_1"].disabled_at == NOW
    run("keys", "enable", "laptop")
    assert store.kept["key_1"].disabled_at is None
    capsys.readouterr()
    run("keys", "rotate", "laptop", "--overlap", "0")
    assert store.kept["key_1"].token_hash == hash_token(capsys.readouterr().out.strip())
    assert run("keys", "revoke", "laptop") == 0
    assert capsys.readouterr().out == "Revoked laptop (key_1).\n"


def test_an_unknown_key_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "revoke", "nobody") == 2
    message = 'filmgate: no key is named "nobody"; `filmgate keys list` shows the ids\n'
    assert capsys.readouterr().err.endswith(message)


def test_engines_are_listed_with_their_budgets_and_a_mistyped_one_is_told(
    run: Run, bootstrap: FakeBootstrap, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setenv("FILMGATE_DATA", str(bootstrap.data))
    (bootstrap.data / "routes.toml").write_text(
        """
        [upstreams.sg]
        provider = "dashscope"
        url = "https://dashscope.example"
        usd_per_s = { 480p = 0.05, 720p = 0.10, 1080p = 0.15 }
        budget_usd_per_day = 50
        budget_usd_per_month = 500
        """
    )
    assert run("engines", "list") == 0
    line = "sg\tdashscope\thttps://dashscope.example\t5\t$50 a day, $500 a month"
    assert line in capsys.readouterr().out
    assert run("engines", "test", "gs") == 2
    assert "there is no engine or upstream 'gs', only draft, " in capsys.readouterr().err


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
    assert "routes\tmissing\tno engine is named 'camera-obscura'; there are" in out
    assert "encoders\tok\tH.264 and AAC" in out
    assert "database\tok\tembedded PostgreSQL" in out


def test_doctor_tells_a_full_disk_and_a_folder_it_may_not_write(tmp_path: Path) -> None:
    assert check_disk(tmp_path, lambda _: (0, 0, 10**6)).state is State.MISSING
    assert check_disk(tmp_path, lambda _: (0, 0, 10**9)).state is State.NOTE
    assert check_disk(tmp_path, lambda _: (0, 0, 10**11)).state is State.OK
    (tmp_path / "file").touch()
    assert check_folder(tmp_path / "file").state is State.MISSING
    assert check_folder(tmp_path / "new/folder").state is State.OK


def test_an_engine_that_no_route_can_lead_to_is_missing(tmp_path: Path) -> None:
    findings = list(check_engines(Settings(engine="none-such", data=str(tmp_path))))
    assert [f.state for f in findings] == [State.MISSING]
    assert "none-such" in findings[0].found


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
