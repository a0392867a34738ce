"""filmgate.Client and AsyncClient against the real server, also through a line that fails."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import filmgate
from clients.conftest import Site
from clients.flaky_proxy import Fault, FlakyProxy, refusing
from filmgate.client import AsyncTask, Task, errors
from filmgate.media.probe import probe_film

SMALL: Any = {"resolution": "480p", "prompt_extend": False}
SUBMIT = "/v1/videos/generations"
NO_SUCH = "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"
LOST = Fault("POST", SUBMIT, body_bytes=-1)


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[filmgate.Client]:
    with filmgate.Client(site.url, site.token) as client:
        yield client


@pytest.fixture
async def async_client(site: Site) -> AsyncIterator[filmgate.AsyncClient]:
    async with filmgate.AsyncClient(site.url, site.token) as client:
        yield client


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[FlakyProxy]:
    async with FlakyProxy(site.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def done(client: filmgate.Client) -> Task:
    """A completed task for those who only read."""
    return client.generate("a quiet road", **SMALL).wait()


def sound(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(2 * int(8000 * seconds)))
    return file.getvalue()


async def content(url: str) -> bytes:
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(url)).content


def parts_in(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


# ---- the whole way


def test_one_line_makes_a_film(client, tmp_path):
    heard: list[Task] = []
    path = (
        client.generate("Sunset coastal highway", seed=12345, duration_s=5, size="9:16", **SMALL)
        .wait(on_progress=heard.append)
        .save(tmp_path / "film.mp4")
    )
    film = probe_film(path)
    assert (film.width_px, film.height_px, film.frame_count) == (480, 832, 120)
    assert [task.progress for task in heard] == sorted(task.progress for task in heard)
    last = heard[-1]
    assert (last.status, last.progress, last.seed) == ("completed", 100, 12345)
    assert (last.prompt, last.engine, last.error) == ("Sunset coastal highway", "testcard", None)
    assert (last.cost_usd, last.credits_cost) == (0.168, 1.68)
    assert last.created_at <= last.ended_at < last.film.expires_at
    assert (last.film.width_px, last.film.height_px) == (480, 832)
    assert last.film.url == last.data["result"]["videos"][0]["url"][0]
    assert parts_in(tmp_path) == []


async def test_many_films_are_awaited_at_once(async_client, tmp_path):
    heard: list[AsyncTask] = []

    async def hear(task: AsyncTask) -> None:
        heard.append(task)

    async def make(seed: int) -> Path:
        task = await async_client.generate("a road", seed=seed, **SMALL)
        return await (await task.wait(on_progress=hear)).save(tmp_path)

    paths = await asyncio.gather(*(make(seed) for seed in (1, 2, 3)))
    assert sorted(paths) == sorted(tmp_path.glob("task_*.mp4"))
    assert all(probe_film(path).frame_count == 120 for path in paths)
    assert {task.seed for task in heard} == {1, 2, 3}


def test_an_accepted_task_is_given_at_once_and_refreshes(client):
    task = client.generate("[slow] a road", seed=7, **SMALL)
    assert (task.status, task.progress, task.seed, task.cost_usd) == ("pending", 0, 7, None)
    assert not task.is_final
    now = task.refresh()
    assert now.created_at is not None
    assert now.data["id"] == task.id
    task.cancel()


# ---- files


@pytest.mark.parametrize("given", ["path", "text", "bytes"])
def test_a_local_picture_and_sound_are_uploaded_first(client, picture, tmp_path, given):
    (tmp_path / "bild ä.png").write_bytes(picture)
    image = {"path": tmp_path / "bild ä.png", "text": str(tmp_path / "bild ä.png")}.get(given)
    task = client.generate(image=image or picture, audio=sound(4), **SMALL).wait()
    assert (task.film.width_px, task.film.height_px) == (832, 480)


async def test_an_upload_serves_many_tasks(async_client, picture):
    url = await async_client.upload_image(picture)
    sound_url = await async_client.upload_audio(sound(4))
    tasks = [
        await async_client.generate(image=url, audio=sound_url, seed=seed, **SMALL)
        for seed in (1, 2)
    ]
    assert [(await task.wait()).film.width_px for task in tasks] == [832, 832]


def test_a_data_uri_is_passed_on_as_it_is(client):
    with pytest.raises(errors.InvalidRequest) as caught:
        client.generate(image="data:image/png;base64,!!", **SMALL)
    assert caught.value.param == "image_urls"


def test_a_picture_that_is_none_is_refused_before_any_task(client):
    with pytest.raises(errors.InvalidRequest, match="image"):
        client.generate(image=b"not a picture", **SMALL)


def test_a_file_that_is_not_there_is_the_systems_own_error(client, done, tmp_path):
    with pytest.raises(FileNotFoundError):
        client.generate(image=tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        done.save(tmp_path / "none" / "film.mp4")


# ---- refused and failed


def test_every_broken_rule_is_told_with_its_field(client):
    with pytest.raises(errors.InvalidRequest) as caught:
        client.generate("x", duration_s=7, size="2:1")
    refused = caught.value
    assert (refused.status, refused.code) == (400, 400)
    assert "duration must be 5 or 10 seconds, got 7" in refused.broken_rules
    assert len(refused.broken_rules) == 2
    assert refused.param in {"duration", "size"}
    assert refused.request_id


def test_a_field_without_a_name_here_goes_through_extra(client):
    with pytest.raises(errors.InvalidRequest, match="sampler"):
        client.generate("x", extra={"sampler": "euler"})
    with pytest.raises(TypeError, match="sampler"):
        client.generate("x", sampler="euler")


async def test_a_wrong_key_is_unauthorized_for_both(site):
    with filmgate.Client(site.url, "fg_wrong") as client, pytest.raises(errors.Unauthorized):
        client.models()
    async with filmgate.AsyncClient(site.url, "fg_wrong") as client:
        with pytest.raises(errors.Unauthorized) as caught:
            await client.generate("x")
    assert (caught.value.status, caught.value.param) == (401, None)


async def test_a_failed_task_raises_the_engines_words(client, async_client):
    with pytest.raises(errors.TaskFailed, match="the test card was told to fail") as caught:
        client.generate("[fail]", **SMALL).wait()
    assert caught.value.task.error.code == "engine_failed"
    assert caught.value.task.film is None
    task = await async_client.generate("[fail]", **SMALL)
    with pytest.raises(errors.TaskFailed):
        await task.wait()


def test_a_wait_that_is_over_leaves_the_task_to_be_cancelled(client, tmp_path):
    task = client.generate("[slow] a road", **SMALL)
    with pytest.raises(errors.WaitTimedOut) as caught:
        task.wait(timeout_s=0.3)
    assert not caught.value.task.is_final
    assert task.cancel().status == "cancelled"
    with pytest.raises(errors.TaskCancelled):
        task.wait()
    with pytest.raises(errors.TaskCancelled):
        task.save(tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_completed_task_cannot_be_called_off(done):
    with pytest.raises(errors.Conflict) as caught:
        done.cancel()
    assert caught.value.code == "task_not_cancellable"
    assert done.refresh().status == "completed"


async def test_an_awaited_wait_is_over_in_time_too(async_client):
    task = await async_client.generate("[slow] a road", **SMALL)
    with pytest.raises(errors.WaitTimedOut):
        await task.wait(timeout_s=0.3)
    assert (await task.cancel()).status == "cancelled"
    with pytest.raises(errors.TaskCancelled):
        await task.wait()


def test_an_error_of_on_progress_reaches_the_caller(client):
    def tell(_: Task) -> None:
        raise LookupError("mine")

    task = client.generate("a road", **SMALL)
    with pytest.raises(LookupError, match="mine"):
        task.wait(on_progress=tell)


# ---- lists


async def test_tasks_come_newest_first_over_page_borders(client, async_client):
    made = [client.generate("[slow] page", **SMALL).cancel().id for _ in range(3)]
    tasks = client.tasks(status="cancelled", page_size=2)
    assert [next(tasks).id for _ in made] == made[::-1]
    found = [task.id async for task in async_client.tasks(status="cancelled", page_size=2)]
    assert found[:3] == made[::-1]
    assert len(found) == len(set(found))
    assert found == [task.id for task in client.tasks(status="cancelled")]


async def test_models_say_sizes_and_prices(client, async_client):
    (model,) = [model for model in client.models() if model.id == "wan2.5-preview"]
    assert model.resolutions == ("480p", "720p", "1080p")
    assert model.price_usd_per_s["480p"] == 0.0336
    assert model in await async_client.models()


def test_a_deleted_task_is_gone(client):
    task = client.generate("[slow] a road", **SMALL)
    task.delete()
    with pytest.raises(errors.InvalidRequest, match="Invalid task ID"):
        client.task(task.id)
    with pytest.raises(errors.InvalidRequest):
        client.task(f"../{NO_SUCH}")


# ---- a line that fails


async def test_a_lost_answer_never_makes_two_tasks(proxy, client, site):
    proxy.faults = [LOST, LOST]
    async with filmgate.AsyncClient(proxy.url, site.token) as flaky:
        task = await flaky.generate("[slow] lost, awaited", **SMALL)
    keys = {headers["idempotency-key"] for _, path, headers in proxy.seen if path == SUBMIT}
    assert proxy.count("POST", SUBMIT) == 3
    assert len(keys) == 1
    same = [each.id for each in client.tasks() if each.prompt == "[slow] lost, awaited"]
    assert same == [task.id]
    client.cancel(task.id)


async def test_a_lost_answer_never_makes_two_tasks_when_blocking(proxy, client, site):
    proxy.faults = [LOST]
    with filmgate.Client(proxy.url, site.token) as flaky:
        task = await asyncio.to_thread(flaky.generate, "[slow] lost, blocking", **SMALL)
    assert proxy.count("POST", SUBMIT) == 2
    same = [each.id for each in client.tasks() if each.prompt == "[slow] lost, blocking"]
    assert same == [task.id]
    client.cancel(task.id)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_server_that_asks_for_time_gets_it(proxy, site, status):
    proxy.faults = [Fault("GET", "/v1/models", answer=refusing(status, "Retry-After: 1"))]
    async with filmgate.AsyncClient(proxy.url, site.token) as flaky:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await flaky.models()
        assert loop.time() - began >= 1
    assert proxy.count("GET", "/v1/models") == 2


async def test_retries_end_with_the_patience(proxy, site):
    busy = Fault("GET", "/v1/models", answer=refusing(503, "Retry-After: 600"))
    proxy.faults = [busy, *[Fault("GET", "/v1/models", answer=refusing(502))] * 50]
    async with filmgate.AsyncClient(proxy.url, site.token, retry_for_s=0.5) as flaky:
        with pytest.raises(errors.ServerFailed) as caught:
            await flaky.models()
        assert caught.value.retry_after_s == 600
        assert proxy.count("GET", "/v1/models") == 1
        with pytest.raises(errors.ServerFailed):
            await flaky.models()
    assert 2 < proxy.count("GET", "/v1/models") < 6


async def test_what_is_no_use_is_not_repeated(proxy, site):
    proxy.faults = [Fault("GET", "/v1/models", answer=refusing(status)) for status in (500, 402)]
    async with filmgate.AsyncClient(proxy.url, site.token) as flaky:
        for kind in (errors.ServerFailed, errors.InsufficientCredits):
            with pytest.raises(kind):
                await flaky.models()
    assert proxy.count("GET", "/v1/models") == 2


async def test_a_file_is_uploaded_whole_again_after_a_lost_answer(proxy, site, picture, tmp_path):
    (tmp_path / "a.png").write_bytes(picture)
    proxy.faults = [Fault("POST", "/v1/uploads", body_bytes=-1)]
    with filmgate.Client(proxy.url, site.token) as flaky:
        url = await asyncio.to_thread(flaky.upload_image, tmp_path / "a.png")
    assert await content(url) == picture


async def test_waiting_outlasts_lost_answers(proxy, site):
    async with filmgate.AsyncClient(proxy.url, site.token, retry_for_s=0) as flaky:
        task = await flaky.generate("a road", **SMALL)
        proxy.faults = [Fault("GET", "/v1/tasks", body_bytes=-1)] * 3
        assert (await task.wait()).status == "completed"
    assert proxy.faults == []


# ---- saving


async def test_a_broken_download_goes_on_where_it_broke(proxy, site, done, tmp_path):
    async with filmgate.AsyncClient(proxy.url, site.token) as flaky:
        task = await flaky.task(done.id)
        proxy.faults = [Fault("GET", "/v1/files", body_bytes=size) for size in (5000, 3000, 0)]
        path = await task.save(tmp_path / "film.mp4")
    ranges = [h.get("range") for _, p, h in proxy.seen if p.startswith("/v1/files")]
    assert ranges == [None, "bytes=5000-", "bytes=8000-", "bytes=8000-"]
    assert path.read_bytes() == await content(done.film.url)
    assert parts_in(tmp_path) == []


async def test_a_save_that_gave_up_is_finished_by_the_next(proxy, site, done, tmp_path):
    target = tmp_path / "film.mp4"
    target.write_bytes(b"an older film")
    with filmgate.Client(proxy.url, site.token, retry_for_s=0) as flaky:
        task = await asyncio.to_thread(flaky.task, done.id)
        proxy.faults = [Fault("GET", "/v1/files", body_bytes=9000)]
        with pytest.raises(errors.Unreachable):
            await asyncio.to_thread(task.save, target)
    assert target.read_bytes() == b"an older film"
    assert [part.stat().st_size for part in parts_in(tmp_path)] == [9000]
    with filmgate.Client(proxy.url, site.token) as later:
        task = await asyncio.to_thread(later.task, done.id)
        await asyncio.to_thread(task.save, target)
    assert target.read_bytes() == await content(done.film.url)
    assert proxy.seen[-1][2]["range"] == "bytes=9000-"
    assert "authorization" not in proxy.seen[-1][2]
    assert parts_in(tmp_path) == []


async def test_bytes_of_another_film_are_not_gone_on_with(proxy, site, done, client, tmp_path):
    other = client.generate("another road", seed=5, **SMALL).wait()
    target = tmp_path / "film.mp4"
    with filmgate.Client(proxy.url, site.token, retry_for_s=0) as flaky:
        task = await asyncio.to_thread(flaky.task, done.id)
        proxy.faults = [Fault("GET", "/v1/files", body_bytes=9000)]
        with pytest.raises(errors.Unreachable):
            await asyncio.to_thread(task.save, target)
    other.save(target)
    assert target.read_bytes() == await content(other.film.url)


async def test_two_saves_of_one_film_to_one_path_do_not_mix(proxy, site, done, tmp_path):
    target = tmp_path / "film.mp4"
    async with filmgate.AsyncClient(proxy.url, site.token) as client:
        task = await client.task(done.id)
        both = await asyncio.gather(
            *[task.save(target)] * 1, task.save(target), return_exceptions=True
        )
    assert target in both
    assert {type(each) for each in both if isinstance(each, Exception)} <= {errors.FilmBusy}
    assert target.read_bytes() == await content(done.film.url)


def test_a_film_that_has_expired_is_gone(client, done, tmp_path):
    forged = done.film.url.replace("signature=", "signature=0")
    broken = Task(
        **{
            **done.as_fields(),
            "film": type(done.film)(url=forged, expires_at=done.film.expires_at),
        },
        client=client,
    )
    with pytest.raises(errors.RequestRefused) as caught:
        broken.save(tmp_path / "film.mp4")
    assert caught.value.status == 404
    assert list(tmp_path.iterdir()) == []


# ---- being set up


def test_importing_filmgate_loads_no_client():
    code = "import filmgate, sys; assert not {'httpx', 'filmgate.client'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="Customer"):
        filmgate.Customer  # noqa: B018


def test_the_environment_names_server_and_key(site, monkeypatch):
    monkeypatch.setenv("FILMGATE_URL", f"{site.url}/v1/")
    monkeypatch.setenv("FILMGATE_API_KEY", site.token)
    with filmgate.Client() as client:
        assert client.models()


def test_a_missing_key_and_a_wrong_address_are_told_at_once(monkeypatch):
    monkeypatch.delenv("FILMGATE_API_KEY", raising=False)
    with pytest.raises(errors.NotConfigured, match="FILMGATE_API_KEY"):
        filmgate.Client("http://127.0.0.1:1")
    with pytest.raises(errors.NotConfigured, match="base_url"):
        filmgate.AsyncClient("films.example", "fg_x")
    with pytest.raises(errors.NotConfigured, match="ASCII"):
        filmgate.Client("http://127.0.0.1:1", "fg_\n")


def test_a_server_that_is_not_there_is_unreachable():
    client = filmgate.Client("http://127.0.0.1:1", "fg_x", retry_for_s=0.3)
    with client, pytest.raises(errors.Unreachable, match=r"http://127\.0\.0\.1:1 does not answer"):
        client.models()


async def test_what_is_no_filmgate_server_is_told(proxy, site):
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
    proxy.faults = [Fault("GET", "/v1/models", answer=page)]
    async with filmgate.AsyncClient(proxy.url, site.token) as client:
        with pytest.raises(errors.UnexpectedAnswer, match="not a filmgate server"):
            await client.models()
