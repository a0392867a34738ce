"""The commands of the guide to keys work as they stand, on a real server, one after another."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx

from serving import serving

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "keys.md"


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    commands = tmp_path / "bin"
    commands.mkdir()
    shim = commands / "filmgate"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m filmgate "$@"\n')
    shim.chmod(0o755)
    with serving(tmp_path / "data", engine="testcard") as server:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
            env={
                **environment,
                "PATH": f"{commands}:{environment['PATH']}",
                "PYTHONPATH": str(Path("src").absolute()),
                "FILMGATE_DATA": str(server.data),
                "URL": server.facts["url"],
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        listed = server.http.get("/v1/admin/keys").json()["data"]
        me = server.http.get("/v1/admin/me").json()["data"]
        account = server.http.get("/v1/admin/accounts/customer-7").json()["data"]
        old = re.findall(r"^fg_\S{43}$", done.stdout, re.MULTILINE)
        refused = [
            httpx.get(
                f"{server.facts['url']}/v1/tasks",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            ).status_code
            for token in old
        ]
    keys = {key["name"]: key for key in listed}
    assert (keys["web"]["state"], keys["web"]["budget_usd_month"]) == ("revoked", 50.0)
    assert keys["web"]["budget_usd_day"] is None
    assert (keys["phone"]["account"], keys["phone"]["networks"]) == ("customer-7", ["127.0.0.0/8"])
    assert keys["console"]["scopes"] == ["generate", "manage", "read"]
    assert refused == [401, 401]
    assert account["available_usd"] == 25.0
    assert me["key"]["scopes"] == ["generate", "manage", "read"]
    assert (me["account"]["name"], me["account"]["is_admin"]) == ("main", True)
