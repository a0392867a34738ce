"""filmgate certs, and what doctor says of provenance."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from filmgate.cli import main
from filmgate.cli.doctor import State, check_provenance
from filmgate.config import Settings

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["filmgate", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code if isinstance(ended.value.code, int) else 0

    return run


def test_a_certificate_is_made_shown_and_renewed(run: Run, tmp_path: Path, capsys) -> None:
    data = str(tmp_path / "data")
    assert run("certs", "show", "--data", data) == 1
    assert "no certificate was made" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    assert run("certs", "new", "--data", data) == 0
    first = capsys.readouterr().out
    assert "subject      CN=filmgate" in first
    assert "fingerprint  " in first
    assert run("certs", "new", "--data", data) == 0
    second = capsys.readouterr().out
    assert run("certs", "show", "--data", data) == 0
    shown = capsys.readouterr().out
    assert shown in second
    assert first.splitlines()[3] != shown.splitlines()[3]
    assert Path(shown.splitlines()[4].split()[1]).is_file()
    assert Path(first.splitlines()[4].split()[1]).is_file()


def test_the_operators_certificate_is_not_replaced(run: Run, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FILMGATE_PROVENANCE_CERTIFICATE", "/etc/films.pem")
    monkeypatch.setenv("FILMGATE_PROVENANCE_KEY", "/etc/films.key")
    assert run("certs", "new") == 2
    assert "/etc/films.pem, which is yours" in capsys.readouterr().err


def test_doctor_says_who_signs_and_what_is_wrong(run: Run, tmp_path: Path) -> None:
    assert check_provenance(Settings(provenance=False), tmp_path).state is State.NOTE
    assert (
        check_provenance(Settings(), tmp_path).found == "a certificate is made at the first start"
    )
    run("certs", "new", "--data", str(tmp_path))
    finding = check_provenance(Settings(), tmp_path)
    assert finding.state is State.OK
    assert "CN=filmgate" in finding.found
    next(tmp_path.glob("certs/*/key.pem")).write_text("hello")
    finding = check_provenance(Settings(), tmp_path)
    assert finding.state is State.MISSING
    assert "PEM file of a private key" in finding.found
