"""What the store promises of signed-in browsers and of searches in prompts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from filmgate.ports.sessions import Session
from filmgate.ports.store import TaskFilter
from filmgate.store.store import PostgresStore
from kept_tasks import new_key, new_task, submit

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SESSION = Session(
    token_hash=b"t" * 32, key_hash=b"k" * 32, created_at=NOW, expires_at=NOW + timedelta(days=7)
)


async def test_a_session_is_kept_until_it_is_forgotten(store: PostgresStore) -> None:
    await store.add_session(SESSION)
    assert await store.session(SESSION.token_hash) == SESSION
    await store.forget_session(SESSION.token_hash)
    await store.forget_session(SESSION.token_hash)
    assert await store.session(SESSION.token_hash) is None


async def test_a_new_session_sweeps_those_that_are_over(store: PostgresStore) -> None:
    await store.add_session(SESSION)
    later = replace(SESSION, token_hash=b"u" * 32, created_at=SESSION.expires_at)
    await store.add_session(later)
    assert await store.session(SESSION.token_hash) is None
    assert await store.session(later.token_hash) == later


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("harbour",), 2),
        (("HARBOUR", "night"), 1),
        (("海边",), 1),
        (("100%",), 1),
        (("1__%",), 0),
        (("_",), 0),
        (("\\",), 1),
        (("harbour", "zebra"), 0),
    ],
)
async def test_a_search_finds_prompts_with_all_words_and_takes_them_literally(
    store: PostgresStore, words: tuple[str, ...], found: int
) -> None:
    key, other = await new_key(store), await new_key(store, "other")
    prompts = ["A quiet Harbour", "The harbour at night", "海边日落 100% calm", "a \\ road"]
    for prompt in prompts:
        await submit(store, new_task(key, prompt))
    await submit(store, new_task(other, "harbour 海边 100% \\"))
    wanted = TaskFilter(account_id=key.account_id, words=words)
    assert len(await store.tasks(wanted)) == found


async def test_a_search_goes_on_where_its_page_ended(store: PostgresStore) -> None:
    key = await new_key(store)
    ids = [(await submit(store, new_task(key, f"harbour {n}"))).id for n in range(5)]
    newest = sorted(ids, reverse=True)
    wanted = TaskFilter(account_id=key.account_id, words=("harbour",), limit=2)
    first = [task.id for task in await store.tasks(wanted)]
    second = [task.id for task in await store.tasks(replace(wanted, before=first[-1]))]
    assert first + second == newest[:4]


async def test_a_search_says_where_to_go_on(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmgate.store.tasks.SEARCHED_TASKS_MAX", 2)
    key = await new_key(store)
    oldest = await submit(store, new_task(key, "harbour"))
    other = sorted([(await submit(store, new_task(key, f"road {n}"))).id for n in range(2)])
    wanted = TaskFilter(account_id=key.account_id, words=("harbour",))
    assert await store.tasks(wanted) == []
    until = await store.searched_until(wanted)
    assert until == other[0]
    rest = replace(wanted, before=until)
    assert [task.id for task in await store.tasks(rest)] == [oldest.id]
    assert await store.searched_until(rest) is None
