"""The supervisor's start: database, migrations, first keys, and the processes it looks after."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from filmgate import __version__
from filmgate.bootstrap.adapters import build_deps, data_path, embedded_postgres, signing_credential
from filmgate.bootstrap.process import set_up_logs, stop_on_signals, worker_name
from filmgate.config import PREFIX, Settings
from filmgate.domain.errors import ConfigError, FilmgateError

if TYPE_CHECKING:
    from filmgate.service.deps import Deps
    from filmgate.supervisor.data_folder import DataFolder

EXIT_USAGE = 2
EXIT_TAKEN = 3


def serve(settings: Settings, *, is_private: bool) -> int:
    """Run a server in its data folder until it is told to stop; return the exit status."""
    from filmgate.supervisor.data_folder import DataFolder

    set_up_logs(settings)
    folder = DataFolder(data_path(settings))
    if not folder.lock():
        sys.stderr.write(f"A server already runs on {folder.path}; `filmgate status` shows it.\n")
        return EXIT_TAKEN
    try:
        return asyncio.run(_serve(settings, folder, is_private=is_private))
    except FilmgateError as error:
        sys.stderr.write(f"{error.message}\n")
        return EXIT_USAGE if isinstance(error, ConfigError) else 1
    finally:
        folder.unlock()


async def _serve(settings: Settings, folder: DataFolder, *, is_private: bool) -> int:
    from filmgate.store.migrate import migrate
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.supervisor import Database, Plan, Supervisor, listen, url_of

    stop = stop_on_signals()
    credential = signing_credential(settings)
    if credential is not None and settings.provenance_certificate:
        from filmgate.media.provenance import try_credential

        try_credential(credential)
    try:
        listener = listen(settings.host, settings.port, slow_reader_s=settings.slow_reader_s)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror};"
            " name another one with --host and --port"
        ) from error
    embedded = embedded_postgres(settings, folder)
    if embedded is not None:
        await embedded.start()
    url = embedded.url if embedded is not None else settings.database_url
    store = PostgresStore(
        url, connections_max=2, key_concurrent_tasks_max=settings.key_concurrent_tasks_max
    )
    try:
        await migrate(url)
        await store.open()
        deps = await build_deps(settings, store)
        say_hello = await _ensure_keys(deps, folder, is_private=is_private, url=url_of(listener))
        supervisor = Supervisor(
            Plan(
                version=__version__,
                is_private=is_private,
                environment=_environment(
                    replace(settings, port=listener.getsockname()[1]), folder, database_url=url
                ),
                drain_s=settings.drain_s,
                idle_exit_s=settings.idle_exit_s,
                worker_name=worker_name,
            ),
            folder=folder,
            listener=listener,
            url=url_of(listener),
            store=store,
            database=Database(
                start=embedded.start if embedded else _nothing,
                wait_dead=embedded.wait_dead if embedded else None,
                stop=embedded.stop if embedded else _nothing,
            ),
        )
        await supervisor.run(stop, on_ready=say_hello)
    finally:
        await store.close()
        if embedded is not None:
            await embedded.stop()
    return 0


async def _ensure_keys(
    deps: Deps, folder: DataFolder, *, is_private: bool, url: str
) -> Callable[[], None]:
    """Make this machine's key and, at the very first start, one to show; return what to say
    once all is ready.
    """
    from filmgate.domain.api_key import hash_token
    from filmgate.service.manage_keys import create_first_key
    from filmgate.supervisor.data_folder import write_private

    is_first_start = not await deps.store.keys()
    kept = folder.client_key.read_text().strip() if folder.client_key.is_file() else ""
    known = await deps.store.key_by_hash(hash_token(kept)) if kept else None
    if known is None or not known.is_usable:
        token = await create_first_key("this machine's commands", deps=deps)
        write_private(folder.client_key, token)
    first_token = ""
    if is_first_start and not is_private:
        first_token = await create_first_key("first", deps=deps)

    def say() -> None:
        if not is_private:
            _greet(url, first_token)

    return say


def _greet(url: str, first_token: str) -> None:
    lines = [f"filmgate {__version__} is ready at {url}"]
    if first_token:
        body = '{"model":"wan2.5-preview","prompt":"Sunset coastal highway, cinematic shot"}'
        lines += [
            "",
            f"Your first API key (shown this once): {first_token}",
            "",
            "Try it:",
            f"  curl -sS {url}/v1/videos/generations \\",
            f"    -H 'Authorization: Bearer {first_token}' \\",
            "    -H 'Content-Type: application/json' \\",
            f"    -d '{body}'",
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _environment(settings: Settings, folder: DataFolder, *, database_url: str) -> Mapping[str, str]:
    """What children are given: our own environment, and every setting as it is in force here."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    in_force = {
        f"{PREFIX}{f.name.upper()}": str(getattr(settings, f.name)) for f in fields(settings)
    }
    in_force[f"{PREFIX}DATA"] = str(folder.path)
    in_force[f"{PREFIX}DATABASE_URL"] = database_url
    return {**inherited, **in_force}


async def _nothing() -> None:
    """There is nothing to start or stop: the database is somebody else's."""
