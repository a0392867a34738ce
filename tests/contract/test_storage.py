"""What every storage keeps to. A new storage joins by one more entry in STORAGES."""

import asyncio
import os
import resource
import stat
from collections.abc import AsyncIterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from filmgate.domain.errors import PayloadTooLarge, StorageFailed
from filmgate.ports.storage import Storage
from filmgate.storage.local import CHUNK_BYTES, INCOMING, LocalStorage

STORAGES = {"local": lambda folder: LocalStorage(folder / "store")}
KEY = "results/task_01J/3/film.mp4"
BODY = bytes(range(256)) * 10


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return STORAGES[request.param](tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "store")


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def put(storage: Storage, key: str, body: bytes = BODY):
    return await storage.put_stream(key, chunks(body), size_bytes_max=len(body))


async def read(storage: Storage, key: str, **options) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key, **options)])


async def keys(storage: Storage, prefix: str) -> list[str]:
    return [stored.key async for stored in storage.list_keys(prefix)]


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# ---------------------------------------------------------------- every storage


async def test_what_was_put_is_read(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(BODY)
    by_file = await storage.put_file("a/1", tmp_path / "film")
    by_stream = await storage.put_stream(
        "a/2", chunks(BODY[:7], b"", BODY[7:]), size_bytes_max=9999
    )
    for stored in (by_file, by_stream):
        assert stored.size_bytes == len(BODY)
        assert await read(storage, stored.key) == BODY
        assert await storage.head(stored.key) == stored
    assert (tmp_path / "film").read_bytes() == BODY


async def test_an_empty_file_is_a_file(storage: Storage) -> None:
    assert (await put(storage, KEY, b"")).size_bytes == 0
    assert await read(storage, KEY) == b""
    assert await storage.head(KEY) is not None


async def test_a_key_that_is_not_there_has_no_head(storage: Storage) -> None:
    await put(storage, KEY)
    for key in ("other", "results", "results/task_01J", f"{KEY}/deeper"):
        assert await storage.head(key) is None


async def test_reading_or_fetching_what_is_not_there_fails(
    storage: Storage, tmp_path: Path
) -> None:
    with pytest.raises(StorageFailed):
        await read(storage, KEY)
    with pytest.raises(StorageFailed):
        await storage.fetch_to(KEY, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, None),
        (0, 1),
        (5, 9),
        (2559, None),
        (2560, None),
        (9999, None),
        (5, 5),
        (7, 5),
        (9, 9999),
    ],
)
async def test_a_range_ends_before_its_end(storage: Storage, start: int, end: int | None) -> None:
    await put(storage, KEY)
    assert await read(storage, KEY, start=start, end=end) == BODY[start:end]


async def test_chunks_are_at_most_a_mebibyte(storage: Storage) -> None:
    body = os.urandom(3 * CHUNK_BYTES + 17)
    await storage.put_stream(KEY, chunks(body[:5], body[5:]), size_bytes_max=len(body))
    found = [chunk async for chunk in storage.read(KEY)]
    assert max(map(len, found)) <= CHUNK_BYTES
    assert b"".join(found) == body
    across = await read(storage, KEY, start=CHUNK_BYTES - 3, end=2 * CHUNK_BYTES + 3)
    assert across == body[CHUNK_BYTES - 3 : 2 * CHUNK_BYTES + 3]


async def test_a_put_replaces_what_was_there(storage: Storage) -> None:
    first = await put(storage, KEY, b"one")
    second = await put(storage, KEY, b"two")
    assert await read(storage, KEY) == b"two"
    assert first.etag != second.etag


async def test_an_etag_stays_while_the_file_stays(storage: Storage) -> None:
    etag = (await put(storage, KEY)).etag
    await put(storage, "results/task_01J/3/other.mp4")
    await read(storage, KEY)
    head = await storage.head(KEY)
    assert head is not None
    assert head.etag == etag
    assert [stored.etag async for stored in storage.list_keys(KEY)] == [etag]


async def test_a_stream_over_the_limit_leaves_nothing(storage: Storage) -> None:
    with pytest.raises(PayloadTooLarge, match="at most 9 bytes"):
        await storage.put_stream(KEY, chunks(b"12345", b"67890"), size_bytes_max=9)
    assert await storage.head(KEY) is None
    assert await keys(storage, "") == []


async def test_a_stream_over_the_limit_leaves_what_was_there(storage: Storage) -> None:
    await put(storage, KEY, b"old")
    with pytest.raises(PayloadTooLarge):
        await storage.put_stream(KEY, chunks(bytes(100)), size_bytes_max=9)
    assert await read(storage, KEY) == b"old"


async def test_a_stream_that_breaks_leaves_nothing(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield BODY
        raise ConnectionResetError

    with pytest.raises((ConnectionResetError, StorageFailed)):
        await storage.put_stream(KEY, broken(), size_bytes_max=9999)
    assert await keys(storage, "") == []


async def test_a_file_is_not_seen_before_it_is_whole(storage: Storage) -> None:
    async def watching() -> AsyncIterator[bytes]:
        yield bytes(2 * CHUNK_BYTES)
        assert await storage.head(KEY) is None
        assert await keys(storage, "") == []
        yield b"end"

    await storage.put_stream(KEY, watching(), size_bytes_max=9 * CHUNK_BYTES)
    assert await keys(storage, "") == [KEY]


async def test_a_reader_that_started_keeps_its_file(storage: Storage) -> None:
    body = os.urandom(2 * CHUNK_BYTES + 5)
    await put(storage, KEY, body)
    reader = storage.read(KEY)
    got = [await anext(reader)]
    await storage.delete(KEY)
    assert await storage.head(KEY) is None
    got += [chunk async for chunk in reader]
    assert b"".join(got) == body


async def test_deleting_twice_is_no_error(storage: Storage) -> None:
    await put(storage, KEY)
    await put(storage, "results/task_01J/4/film.mp4")
    await storage.delete(KEY)
    await storage.delete(KEY)
    await storage.delete("never/there")
    await storage.delete("results")
    assert await keys(storage, "") == ["results/task_01J/4/film.mp4"]


async def test_keys_are_listed_by_prefix_in_order(storage: Storage) -> None:
    every = ["a", "a.b", "a0/c", "b/1/x", "b/1/y", "b/10", "b/2", "b2/z"]
    for key in reversed(every):
        await put(storage, key, b"x")
    assert await keys(storage, "") == sorted(every)
    assert await keys(storage, "b/") == ["b/1/x", "b/1/y", "b/10", "b/2"]
    assert await keys(storage, "b/1") == ["b/1/x", "b/1/y", "b/10"]
    assert await keys(storage, "b/1/") == ["b/1/x", "b/1/y"]
    assert await keys(storage, "b/2") == ["b/2"]
    assert await keys(storage, "b/2/") == []
    assert await keys(storage, "none/at/all") == []


async def test_a_long_list_is_listed_whole(storage: Storage) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(600):
            group.create_task(put(storage, f"many/{number:03}", b"x"))
    assert await keys(storage, "many/") == [f"many/{number:03}" for number in range(600)]


async def test_a_file_is_fetched_whole_over_what_was_there(
    storage: Storage, tmp_path: Path
) -> None:
    await put(storage, KEY)
    (tmp_path / "out").write_bytes(b"old and longer" * 1000)
    await storage.fetch_to(KEY, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == BODY


BAD_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../a",
    "a/../b",
    "a/..",
    "a/./b",
    ".",
    ".incoming/x",
    "a//b",
    "a/",
    "a\\b",
    "a b",
    "a\x00b",
    "a\n",
    "ä",
    "a%2e%2e",
    "~a",
    "a" * 201,
    "a/" * 256 + "a",
]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_a_key_that_is_no_plain_relative_path_is_refused(
    storage: Storage, tmp_path: Path, key: str
) -> None:
    (tmp_path / "film").write_bytes(BODY)
    for use in (
        put(storage, key),
        storage.put_file(key, tmp_path / "film"),
        storage.head(key),
        read(storage, key),
        storage.fetch_to(key, tmp_path / "out"),
        storage.delete(key),
    ):
        with pytest.raises(StorageFailed, match="storage key must be"):
            await use


@pytest.mark.parametrize("prefix", ["/", "../", "a/../b", "ä"])
async def test_a_prefix_that_leads_out_is_refused(storage: Storage, prefix: str) -> None:
    with pytest.raises(StorageFailed, match="prefix"):
        await keys(storage, prefix)


async def test_putting_and_deleting_side_by_side_loses_nothing(storage: Storage) -> None:
    async def in_and_out(number: int) -> None:
        for _ in range(10):
            await put(storage, f"deep/down/here/{number}", b"x")
            await storage.delete(f"deep/down/here/{number}")
        await put(storage, f"deep/down/here/{number}", b"x")

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(in_and_out(number))
    assert await keys(storage, "deep") == [f"deep/down/here/{number}" for number in range(4)]


# ---------------------------------------------------------------- the local folder


async def test_files_and_folders_are_their_owners_only(local: LocalStorage, tmp_path: Path) -> None:
    await put(local, KEY)
    await local.put_file("copied", tmp_path / "store" / KEY)
    for path in [tmp_path / "store", *(tmp_path / "store").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    LocalStorage(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


async def test_an_etag_changes_even_within_one_tick_of_the_clock(
    local: LocalStorage, tmp_path: Path
) -> None:
    etags = set()
    for body in (b"one", b"two", b"six"):
        await put(local, KEY, body)
        os.utime(tmp_path / "store" / KEY, ns=(10**18, 10**18))
        head = await local.head(KEY)
        assert head is not None
        assert head.etag not in etags
        etags = {head.etag}


async def test_a_full_disk_fails_and_leaves_nothing(local: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(bytes(100_000))
    with files_of_at_most(50_000):
        with pytest.raises(StorageFailed, match="EFBIG"):
            await put(local, KEY, bytes(100_000))
        with pytest.raises(StorageFailed, match="EFBIG"):
            await local.put_file(KEY, tmp_path / "film")
    assert files_under(tmp_path / "store") == []


async def test_a_place_that_cannot_be_written_fails_without_its_path(
    local: LocalStorage, tmp_path: Path
) -> None:
    await put(local, "taken")
    with pytest.raises(StorageFailed) as caught:
        await put(local, "taken/below")
    assert str(tmp_path) not in caught.value.message
    assert files_under(tmp_path / "store") == [tmp_path / "store" / "taken"]


def test_a_root_that_is_no_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed):
        LocalStorage(tmp_path / "file")


async def test_empty_folders_do_not_pile_up(local: LocalStorage, tmp_path: Path) -> None:
    await put(local, KEY)
    await local.delete(KEY)
    assert [path.name for path in sorted((tmp_path / "store").iterdir())] == [INCOMING]


async def test_leftovers_of_a_crash_go_after_a_day(local: LocalStorage, tmp_path: Path) -> None:
    incoming = tmp_path / "store" / INCOMING
    for name, age_s in (("old", 2 * 86400), ("young", 60)):
        (incoming / name).write_bytes(b"")
        at_s = (incoming / name).stat().st_mtime - age_s
        os.utime(incoming / name, (at_s, at_s))
    await local.tidy()
    assert [path.name for path in incoming.iterdir()] == ["young"]


async def test_a_cancelled_put_leaves_nothing(local: LocalStorage, tmp_path: Path) -> None:
    has_started = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield bytes(CHUNK_BYTES)
        has_started.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        putting = group.create_task(local.put_stream(KEY, stuck(), size_bytes_max=2**30))
        await has_started.wait()
        putting.cancel()
    assert files_under(tmp_path / "store") == []


@contextmanager
def files_of_at_most(size_bytes: int):
    """Let the system refuse longer files, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
