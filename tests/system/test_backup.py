"""A backup made while the server runs becomes a new server: same keys, films, tasks and ledger."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from filmgate.domain.errors import ConfigError
from filmgate.store.migrate import newest_migration
from filmgate.supervisor.rescue import restore
from input_corpus.forms import PNG
from serving import ServerUnderTest, serving, wait_until

SLOW = {"prompt": "[slow]", "prompt_extend": False, "resolution": "480p"}
LEASES = {"lease_s": "3", "sweep_s": "1"}


def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    named = {f"FILMGATE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words],
        env={**environment, "PYTHONPATH": "src", **named},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A backup, and what the server that it was made of had."""

    file: Path
    made_by: subprocess.CompletedProcess[str]
    token: str
    task: dict[str, object]
    film: bytes
    upload: str
    running_id: str
    pending_id: str
    refused: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """One film made, one being made, one waiting: backed up right then."""
    folder = tmp_path_factory.mktemp("backup")
    data = folder / "data"
    with serving(data, engine="testcard", slots="1", drain_s="0", **LEASES) as server:
        upload = server.http.post("/v1/uploads/images", files={"file": ("a.png", PNG)}).json()
        task = server.ended(server.submit({"prompt": "a boat", "resolution": "480p"}))
        film = server.film(task, folder / "film.mp4").read_bytes()
        running_id, pending_id = server.submit(SLOW), server.submit({**SLOW, "prompt": "a cat"})
        wait_until(lambda: server.task(running_id)["progress"] > 0, 60, server.tail)
        made_by = command("backup", str(folder / "saved.tar"), "--data", str(data))
        assert made_by.returncode == 0, made_by.stderr
        assert server.task(pending_id)["status"] == "pending"
        refused = command("restore", str(folder / "saved.tar"), "--data", str(data))
        yield Saved(
            file=folder / "saved.tar",
            made_by=made_by,
            token=(data / "client.key").read_text().strip(),
            task=task,
            film=film,
            upload=upload["url"],
            running_id=running_id,
            pending_id=pending_id,
            refused=refused,
        )
        for task_id in (running_id, pending_id):
            server.http.post(f"/v1/tasks/{task_id}/cancel")


@pytest.fixture(scope="module")
def restored(saved: Saved, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("restored") / "data"
    done = command("restore", str(saved.file), "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert "3 tasks (2 unfinished), 1 account, 2 keys" in done.stdout
    with serving(data, engine="testcard", slots="2", **LEASES) as server:
        yield server


def rewritten(source: Path, target: Path, **changes: object) -> Path:
    """The same backup with another manifest."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            assert file is not None
            content = file.read()
            if member.name == "manifest.json":
                content = json.dumps({**json.loads(content), **changes}).encode()
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target


def test_a_backup_is_made_while_the_server_runs(saved):
    assert "3 tasks (2 unfinished)" in saved.made_by.stdout
    assert saved.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in saved.file.parent.glob(".*")] == []
    with tarfile.open(saved.file) as archive:
        *names, last = archive.getnames()
        manifest = json.loads(archive.extractfile(last).read())
    assert {"database.dump", "seal.key", "client.key"} <= set(names)
    assert manifest["database"]["schema"] == newest_migration()
    assert manifest["files"] == sum(name.startswith("files/") for name in names) > 0


def test_the_same_key_reads_the_task_and_its_film(saved, restored):
    with httpx.Client(
        base_url=restored.facts["url"],
        headers={"Authorization": f"Bearer {saved.token}"},
        trust_env=False,
    ) as http:
        task = http.get(f"/v1/tasks/{saved.task['id']}").json()["data"]
        link = task["result"]["videos"][0]["url"][0]
        upload = http.get(httpx.URL(saved.upload).raw_path.decode())
    assert (task["status"], task["created"]) == ("completed", saved.task["created"])
    assert httpx.get(link, trust_env=False).content == saved.film
    assert upload.content == PNG


def test_unfinished_tasks_go_on_and_are_charged_once(saved, restored):
    ended = [restored.ended(task_id) for task_id in (saved.running_id, saved.pending_id)]
    assert [task["status"] for task in ended] == ["completed", "completed"]
    verified = command("ledger", "verify", "--data", str(restored.data))
    assert verified.returncode == 0, verified.stdout


def test_the_restored_files_belong_to_the_restored_database(restored):
    checked = command("storage", "check", "--json", "--data", str(restored.data))
    assert (checked.returncode, json.loads(checked.stdout)["is_foreign"]) == (0, False)


def test_a_running_servers_folder_is_refused(saved):
    assert saved.refused.returncode == 2
    assert "a server runs on" in saved.refused.stderr


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(saved, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("mine")
    done = command("restore", str(saved.file), "--data", str(tmp_path))
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [letter])
    assert "is not empty" in done.stderr


def test_a_backup_of_a_newer_schema_is_refused(saved, tmp_path):
    with tarfile.open(saved.file) as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())
    newer = {**manifest["database"], "schema": 9999}
    file = rewritten(saved.file, tmp_path / "newer.tar", database=newer, version="9.0")
    with pytest.raises(ConfigError, match=r"has schema 9999, .* restore it with filmgate 9.0"):
        restore(file, tmp_path / "data", is_database_ours=True)
    assert not (tmp_path / "data").exists()


def test_a_backup_that_was_cut_off_is_refused(saved, tmp_path):
    content = saved.file.read_bytes()
    for length in (0, 100, len(content) // 2, len(content) - 12 * 1024):
        (tmp_path / "cut.tar").write_bytes(content[:length])
        with pytest.raises(ConfigError, match="is not a backup of filmgate"):
            restore(tmp_path / "cut.tar", tmp_path / "data", is_database_ours=True)
        assert not (tmp_path / "data").exists()


def test_a_member_that_leads_out_of_the_folder_is_refused(saved, tmp_path):
    for name in ("files/../../escaped", "/escaped", "server.lock", "postgres/data/PG_VERSION"):
        with (
            tarfile.open(saved.file) as old,
            tarfile.open(tmp_path / "bad.tar", "w") as new,
        ):
            new.addfile(tarfile.TarInfo(name), io.BytesIO())
            last = old.getmember("manifest.json")
            new.addfile(last, old.extractfile(last))
        with pytest.raises(ConfigError, match="holds what no backup does"):
            restore(tmp_path / "bad.tar", tmp_path / "data", is_database_ours=True)
        assert not (tmp_path / "data").exists()


def test_no_server_starts_on_half_a_restore(saved, tmp_path):
    """The dump is broken, which only shows once the files are back."""
    with tarfile.open(saved.file) as old, tarfile.open(tmp_path / "broken.tar", "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member).read()
            if member.name == "database.dump":
                content = content[: len(content) // 2]
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    data = tmp_path / "data"
    done = command("restore", str(tmp_path / "broken.tar"), "--data", str(data))
    assert (done.returncode, "pg_restore failed" in done.stderr) == (1, True)
    started = command("serve", "--port", "0", "--data", str(data))
    assert (started.returncode, "did not end" in started.stderr) == (2, True)


def test_a_database_of_the_operators_own_is_left_to_the_operator(saved, tmp_path):
    stored = tmp_path / "data" / "files" / "results" / "film.mp4"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"film")
    gone = stored.with_name("gone.mp4")
    gone.symlink_to("nowhere")  # listed, but not there when it is opened
    file, yours = str(tmp_path / "files.tar"), "postgresql://nobody@127.0.0.1:1/none"
    made = command("backup", file, "--data", str(tmp_path / "data"), database_url=yours)
    assert (made.returncode, "The database is NOT in it" in made.stderr) == (0, True)
    assert "1 file (" in made.stdout
    assert "files/results/gone.mp4" in made.stderr

    done = command("restore", file, "--data", str(tmp_path / "new"), database_url=yours)
    assert (done.returncode, "restore your own" in done.stderr) == (0, True)
    assert (tmp_path / "new" / "files" / "results" / "film.mp4").read_bytes() == b"film"

    other = command(
        "restore", str(saved.file), "--data", str(tmp_path / "other"), database_url=yours
    )
    assert (other.returncode, (tmp_path / "other").exists()) == (2, False)
    assert "names yours" in other.stderr


def test_a_restored_folder_can_be_backed_up_without_a_server(saved, tmp_path):
    data, again = tmp_path / "data", tmp_path / "again.tar"
    restore(saved.file, data, is_database_ours=True)
    made = command("backup", str(again), "--data", str(data))
    assert made.returncode == 0, made.stderr
    with tarfile.open(saved.file) as old, tarfile.open(again) as new:
        manifests = [
            json.loads(archive.extractfile("manifest.json").read()) for archive in (old, new)
        ]
        assert sorted(old.getnames()) == sorted(new.getnames())
    assert manifests[0]["database"] == manifests[1]["database"]


def test_a_folder_without_a_server_has_nothing_to_back_up(tmp_path):
    made = command("backup", str(tmp_path / "a.tar"), "--data", str(tmp_path / "typo"))
    assert (made.returncode, "there is no filmgate data in" in made.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
