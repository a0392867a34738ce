"""How quick the library's pages are with many tasks: `python -m bench.library [TASKS]`.

A private PostgreSQL is filled with tasks of one account, every thousandth of them failed; then each
question is asked as the page asks it, through the store. A search may take several answers: the
figures are those of one answer.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from filmgate.domain.ids import AccountId, TaskId
from filmgate.domain.task import Status
from filmgate.ports.store import TaskFilter
from filmgate.store.embedded import EmbeddedPostgres
from filmgate.store.migrate import migrate
from filmgate.store.store import PostgresStore

TASKS = 100_000
REPEATS = 5
ACCOUNT = AccountId("acct_bench")
FILL = """
INSERT INTO tasks (id, account_id, api_key_id, model, generation, price_micro_usd, created_at,
                   status, rank, started_at, ended_at)
SELECT 'task_' || lpad(n::text, 26, '0'), 'acct_bench', 'key_bench', 'wan2.5-preview',
       jsonb_build_object('model', 'wan2.5-preview', 'resolution', '720p', 'duration_s', 5,
           'prompt', 'Sunset coastal highway number ' || n || ', ' || repeat(md5(n::text)
                     || ' cinematic shot of a coast, 海边日落 ', 4),
           'negative_prompt', '', 'size', '16:9', 'seed', n, 'may_rewrite_prompt', true,
           'has_watermark', false, 'image', null, 'audio', null, 'language', 'en'),
       332000, now(), CASE WHEN n %% 1000 = 0 THEN 'failed' ELSE 'completed' END, n, now(), now()
  FROM generate_series(1, %(tasks)s) n
"""


async def filled(url: str, tasks: int) -> None:
    """Bring the schema and so many tasks into a new database."""
    await migrate(url)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO accounts (id, name, created_at) VALUES ('acct_bench', 'bench', now())"
        )
        await connection.execute(
            "INSERT INTO api_keys (id, account_id, name, token_hash, prefix, created_at)"
            " VALUES ('key_bench', 'acct_bench', 'bench', 'x', 'fg_', now())"
        )
        await connection.execute(FILL, {"tasks": tasks})
        await connection.execute("VACUUM ANALYZE tasks")


def questions(tasks: int) -> dict[str, TaskFilter]:
    """What a reader of the library may ask."""
    middle = TaskId(f"task_{tasks // 2:026}")

    def wanted(**more: object) -> TaskFilter:
        return TaskFilter(account_id=ACCOUNT, limit=25, **more)  # type: ignore[arg-type]

    return {
        "first page": wanted(),
        "a page in the middle": wanted(before=middle),
        "one state, rare": wanted(status=Status.FAILED),
        "one state, never": wanted(status=Status.CANCELLED),
        "a common word": wanted(words=("highway",)),
        "a rare word": wanted(words=("number", "4711,")),
        "a word that is nowhere": wanted(words=("zebra",)),
        "Chinese, with a rare state": wanted(words=("日落",), status=Status.FAILED),
    }


async def run(folder: Path, tasks: int) -> None:
    """Fill, ask, and print the figures."""
    table = Table("question", "found", "best, ms", "worst, ms", title=f"{tasks:,} tasks")
    postgres = EmbeddedPostgres(folder, password="bench")
    await postgres.start()
    store = PostgresStore(postgres.url, connections_max=2)
    try:
        await filled(postgres.url, tasks)
        await store.open()
        for name, wanted in questions(tasks).items():
            took_ms: list[float] = []
            found = 0
            for _ in range(REPEATS):
                began = time.perf_counter()
                found = len(await store.tasks(wanted))
                took_ms.append((time.perf_counter() - began) * 1000)
            table.add_row(name, str(found), f"{min(took_ms):.1f}", f"{max(took_ms):.1f}")
    finally:
        await store.close()
        await postgres.stop()
    Console().print(table)


def main() -> None:
    """Run in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="filmgate-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        asyncio.run(run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else TASKS))


if __name__ == "__main__":
    main()
