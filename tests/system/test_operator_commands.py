"""What operators are told by commands on a data folder, in real processes: their own words only,
and a mistyped folder is no new one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def filmgate(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words],
        env={**environment, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "list"),
        ("keys", "revoke", "laptop"),
        ("accounts", "list"),
        ("credits", "grant", "main", "5"),
        ("ledger", "verify"),
        ("storage", "check", "--repair"),
        ("webhooks", "list"),
        ("engines", "purchases"),
        ("tasks", "list"),
    ],
    ids=" ".join,
)
def test_a_mistyped_folder_is_told_and_not_made(words: tuple[str, ...], tmp_path: Path) -> None:
    typo = tmp_path / "typo"
    said = filmgate(*words, "--data", str(typo))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"filmgate: there is no filmgate data in {typo}; name its folder")
    assert not typo.exists()


def test_a_key_may_be_made_before_the_first_server_and_nothing_is_logged(tmp_path: Path) -> None:
    data, saved, again = (str(tmp_path / name) for name in ("data", "saved.tar", "again"))
    made = filmgate("keys", "create", "laptop", "--data", data)
    assert re.fullmatch(r"fg_\S{43}\n", made.stdout), made.stderr
    assert made.stderr == f"{data} is a new data folder; no server has used it yet.\n"
    backed_up = filmgate("backup", saved, "--data", data)
    restored = filmgate("restore", saved, "--data", again)
    listed = filmgate("keys", "list", "--data", again)
    assert [said.stderr for said in (backed_up, restored, listed)] == ["", "", ""]
    assert restored.stdout.startswith(f"Restored to {again}: 0 tasks")
    assert "laptop" in listed.stdout
