"""What the guide to webhooks tells receivers to do works with what the server sends."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from filmgate.domain.webhook import secret_from, signed_headers

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"id":"task_1","prompt":"über"}'.encode()
NEW, OLD, WRONG = (secret_from(sign * 32) for sign in (b"n", b"o", b"w"))


def snippet(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert len(found) == 1
    return found[0]


def sent(*secrets: str, age_s: int = 0) -> dict[str, str]:
    at = int(time.time()) - age_s
    return signed_headers(message_id="whd_1", timestamp_s=at, body=BODY, secrets=secrets)


def cases() -> list[tuple[dict[str, str], bytes, str, bool]]:
    """Signed when they are asked for: a signature is good for five minutes."""
    return [
        (sent(NEW), BODY, NEW, True),
        (sent(NEW, OLD), BODY, OLD, True),
        (sent(NEW), BODY, WRONG, False),
        (sent(NEW), BODY + b" ", NEW, False),
        (sent(NEW) | {"webhook-id": "whd_2"}, BODY, NEW, False),
        (sent(NEW, age_s=600), BODY, NEW, False),
    ]


def test_the_python_snippet_tells_genuine_from_forged() -> None:
    names: dict[str, object] = {}
    exec(snippet("python"), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    assert [is_genuine(headers, body, secret) for headers, body, secret, _ in cases()] == [
        expected for *_, expected in cases()
    ]


def test_the_javascript_snippet_tells_genuine_from_forged(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    calls = ", ".join(
        f"isGenuine({headers!r}, Buffer.from({body.hex()!r}, 'hex'), {secret!r})"
        for headers, body, secret, _ in cases()
    )
    script = tmp_path / "verify.mjs"
    script.write_text(f"{snippet('javascript')}\nconsole.log(JSON.stringify([{calls}]));\n")
    done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=30)
    said = "[" + ",".join(str(expected).lower() for *_, expected in cases()) + "]"
    assert done.stdout.strip() == said, done.stderr
