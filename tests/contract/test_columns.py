"""The schema holds nothing that nobody reads or writes."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

import filmgate.store as store_package

OURS = """
SELECT table_name, column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name NOT LIKE 'procrastinate%'
   AND table_name NOT LIKE 'filmgate%'
"""


async def test_every_column_is_named_by_a_query_or_a_function(store, database_url):
    folder = Path(store_package.__file__).parent
    sources = [*folder.glob("*.py"), *folder.glob("queries/*.sql")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        columns = await (await connection.execute(OURS)).fetchall()
        functions = await (await connection.execute("SELECT prosrc FROM pg_proc")).fetchall()
    named = set(re.findall(r"\w+", "\n".join([text, *(body for (body,) in functions if body)])))
    assert len(columns) > 50
    assert [f"{table}.{column}" for table, column in columns if column not in named] == []
