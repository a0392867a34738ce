"""What ./filmgate does before it starts: compare, wait, refuse, run. Nothing is installed here."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SHELL_TOOLS = ("sh", "readlink", "dirname", "cat", "cmp")


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "requirements"))
    import set_up

    return set_up


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """Looks like an environment; its Python says how it was called."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "ran $*"\n')
    python.chmod(0o755)
    return tmp_path / "venv"


def _launch(venv: Path, *words: str, path: str | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "FILMGATE_VENV": str(venv)}
    if path is not None:
        environment["PATH"] = path
    return subprocess.Popen(
        [ROOT / "filmgate", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stamp(venv: Path, set_up: ModuleType, kind: str = "base") -> None:
    (venv / f"set-up.{kind}").write_bytes(b"".join(set_up.wanted(kind, ROOT, venv)))


def test_what_is_installed_runs_at_once(venv: Path, set_up: ModuleType, tmp_path: Path) -> None:
    """No Python is looked for: shell tools alone are on the PATH."""
    _stamp(venv, set_up)
    with _launch(venv, "tasks", "a b", path=_tools(tmp_path)) as launched:
        out, err = launched.communicate(timeout=20)
    assert (out, err) == ("ran -m filmgate tasks a b\n", "")


def test_the_shell_and_the_set_up_agree_on_what_is_wanted(venv: Path, set_up: ModuleType) -> None:
    script = f'root="{ROOT}"; . "$root/requirements/environment.sh"; environment_is_current '
    environment = {**os.environ, "FILMGATE_VENV": str(venv)}
    for kind in set_up.LISTS:
        ask = ["sh", "-c", script + kind]
        assert subprocess.run(ask, env=environment).returncode != 0
        _stamp(venv, set_up, kind)
        assert subprocess.run(ask, env=environment).returncode == 0


def test_a_second_first_run_waits_and_says_so(venv: Path, set_up: ModuleType) -> None:
    with (venv / "set-up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _launch(venv, "status") as launched:
            assert "another command is setting up" in launched.stderr.readline()
            _stamp(venv, set_up)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert launched.communicate(timeout=20)[0] == "ran -m filmgate status\n"


def test_a_machine_without_python_is_told_what_to_do(venv: Path, tmp_path: Path) -> None:
    with _launch(venv, path=_tools(tmp_path)) as launched:
        _, err = launched.communicate(timeout=20)
    assert launched.returncode == 1
    assert "needs Python 3.11 or newer" in err
    assert "apt install python3" in err


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with _launch(tmp_path, "status") as launched:
        _, err = launched.communicate(timeout=20)
    assert launched.returncode == 1
    assert "is no virtual environment" in err
    assert (tmp_path / "precious").read_text() == "mine"


def test_an_environment_made_for_another_folder_is_made_anew(
    venv: Path, set_up: ModuleType
) -> None:
    _stamp(venv, set_up)
    assert not set_up.is_foreign(ROOT, venv)
    assert set_up.is_foreign(Path("/elsewhere"), venv)


def test_the_environment_of_another_checkout_is_left_alone(venv: Path, tmp_path: Path) -> None:
    other = tmp_path / "another checkout"
    other.mkdir()
    (other / "pyproject.toml").touch()
    facts = venv / "lib/python3.11/site-packages/filmgate-0.1.0.dist-info/direct_url.json"
    facts.parent.mkdir(parents=True)
    facts.write_text(json.dumps({"url": other.as_uri(), "dir_info": {"editable": True}}))
    with _launch(venv, "status") as launched:
        out, err = launched.communicate(timeout=20)
    assert (launched.returncode, out) == (1, "")
    assert f"{venv} is the environment of {other}; unset FILMGATE_VENV" in err
    assert not list(venv.glob("set-up.*"))


def test_nothing_of_the_set_up_needs_more_than_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import set_up"
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT / "requirements")]
    assert subprocess.run(command).returncode == 0


def _tools(tmp_path: Path) -> str:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in SHELL_TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)
