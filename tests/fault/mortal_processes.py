"""The task's way in processes of their own, each killed at its n-th contact with the system: before
and after every exchange with PostgreSQL, at every connection, and at every file that is opened,
made, renamed or removed.

    python mortal_processes.py --database URL --folder DIR [--sample 6 --seed 1]

Without a sample: n = 1, 2, … until a process ends without dying. After each death the task is
brought to its end and the promises are checked. Prints how many points there are.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from recovery import recover
from rig import FakeRewriter, FakeStudio, OnlySeat, submit

from filmgate.bootstrap import build_deps
from filmgate.config import Settings
from filmgate.domain.task import Task
from filmgate.ports.fetcher import FetchedFile, Fetcher
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.store.store import PostgresStore
from kept_tasks import new_key

NEVER = 0
POINTS_MAX = 1_000
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"})


class CountingFetcher:
    """A Fetcher that notes what it was asked."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.fetched: list[str] = []

    def check(self, url: str, *, param: str) -> None:
        self._fetcher.check(url, param=param)

    async def fetch(self, url: str, target: Path, **limits: Any) -> FetchedFile:
        self.fetched.append(url)
        return await self._fetcher.fetch(url, target, **limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it all happens."""

    database: str
    folder: Path
    picture: str

    @asynccontextmanager
    async def deps(self) -> AsyncGenerator[Deps]:
        """The real adapters, but for the studio and the rewriter."""
        store = PostgresStore(self.database, connections_max=4)
        await store.open()
        settings = Settings(data=str(self.folder), engine="testcard", fetch_allowed="127.0.0.1")
        deps = await build_deps(settings, store)
        fetcher = CountingFetcher(deps.fetcher)
        try:
            yield replace(deps, fetcher=fetcher, rewriter=FakeRewriter())
        finally:
            await store.close()

    async def new_task(self) -> Task:
        async with self.deps() as deps:
            return await submit(deps.store, await new_key(deps.store), image=self.picture)

    async def attempt(self, task: Task) -> None:
        async with self.deps() as deps:
            seat = OnlySeat(FakeStudio())
            await produce_video(task.id, worker="mortal", seat=seat, deps=deps)

    async def make_good(self, task: Task, where: str) -> None:
        async with self.deps() as deps:
            before = await deps.store.task(task.id)
            assert before is not None, f"{where}: the task is lost"
            await recover(before, deps, self.database, where)


def watch_points(pass_point: Callable[[], None], folder: Path) -> None:
    """Have every contact of this process with the system told, from now on."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        is_file = event in FILE_EVENTS and str(arguments[0]).startswith(str(folder))
        if is_file or event == "socket.connect":
            pass_point()

    wait = psycopg.AsyncConnection.wait

    async def told_wait(connection: Any, *given: Any, **named: Any) -> Any:
        pass_point()
        answer = await wait(connection, *given, **named)
        pass_point()
        return answer

    psycopg.AsyncConnection.wait = told_wait  # type: ignore[method-assign]
    sys.addaudithook(hook)


def passed_points(place: Place, task: Task, *, death: int) -> int | None:
    """Make an attempt in a child process that dies at a point; return how many it passed, or None
    if it died.
    """
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        passed = 0

        def pass_point() -> None:
            nonlocal passed
            passed += 1
            if passed == death:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            watch_points(pass_point, place.folder)
            asyncio.run(place.attempt(task))
            os.write(told, str(passed).encode())
        except BaseException:  # noqa: BLE001 - a forked child must not go on with its parent's work
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(told)
    with os.fdopen(heard) as answer:
        passed_text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert status == 0, "the attempt broke"
    return int(passed_text)


def try_death(place: Place, point: int) -> int | None:
    """Let a task's attempt die at a point, and make good; as `passed_points`."""
    task = asyncio.run(place.new_task())
    passed = passed_points(place, task, death=point)
    asyncio.run(place.make_good(task, f"point {point}"))
    return passed


@contextmanager
def picture_server() -> Iterator[str]:
    """The URL of the picture that FakeStudio knows."""

    class Pictures(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"picture")

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_port}/a.png"
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", required=True)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--sample", type=int)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    tempfile.tempdir = str(given.folder / "scratch")
    Path(tempfile.tempdir).mkdir(parents=True)
    with picture_server() as picture:
        place = Place(database=given.database, folder=given.folder, picture=picture)
        count = try_death(place, NEVER)
        assert count is not None
        if given.sample:
            points = random.Random(given.seed).sample(range(1, count + 1), given.sample)
            deaths = sum(try_death(place, point) is None for point in points)
        else:
            deaths = next(n - 1 for n in range(1, POINTS_MAX) if try_death(place, n) is not None)
    print(f"{count} points, {deaths} deaths, every promise kept")


if __name__ == "__main__":
    main()
