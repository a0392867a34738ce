"""What the APIMart skill's own client demands of each answer, step by step, on a real server.

The client is a program for another runtime; its demands are written down here as `checked_…`
functions, as strict as it is: redirects refused, only non-empty strings count in errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from clients.conftest import Site

MODEL = "wan2.5-preview"
VERSION = "2026-07-27"
READ_S, SUBMIT_S, UPLOAD_S = 15, 45, 120
ANSWER_BYTES_MAX = 32 * 2**20
OPERATION = "video_generation"
IMAGE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
LANGUAGES = ("zh", "en", "ko", "ja")
POLLS_MAX = 120


@pytest.fixture(scope="module")
def skill(site: Site) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {site.token}", "Accept": "application/json"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=READ_S, trust_env=False) as http:
        yield http


def checked(answer: httpx.Response) -> dict[str, Any]:
    """The answer as the client takes it: an object, not an error, not a redirect."""
    assert not answer.is_redirect
    assert 0 < len(answer.content) <= ANSWER_BYTES_MAX
    said = answer.json()
    assert isinstance(said, dict)
    is_error = isinstance(said.get("error"), dict) or said.get("success") is False
    assert not is_error and answer.status_code < 400, said
    return said


def checked_error(answer: httpx.Response) -> dict[str, str]:
    """The strings that the client reads out of an error."""
    error = answer.json()["error"]
    assert answer.status_code >= 400
    names = ("message", "type", "code", "param")
    return {n: error[n] for n in names if isinstance(error.get(n), str) and error[n]}


def is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def is_plain_url(value: object) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


def submit(skill: httpx.Client, body: dict[str, Any], key: str) -> httpx.Response:
    headers = {"Idempotency-Key": key, "X-APIMart-Response-Version": VERSION}
    return skill.post(
        "/v1/videos/generations", json={**body, "model": MODEL}, headers=headers, timeout=SUBMIT_S
    )


def checked_ticket(answer: httpx.Response) -> str:
    data = checked(answer)["data"]
    assert isinstance(data, dict)
    assert is_text(data["id"])
    assert data.get("object", "generation.task") == "generation.task"
    assert is_text(data.get("status", "pending"))
    return data["id"]


def checked_task(skill: httpx.Client, task_id: str, language: str | None = None) -> dict[str, Any]:
    params = {"language": language} if language else None
    data = checked(skill.get(f"/v1/tasks/{task_id}", params=params))["data"]
    assert isinstance(data, dict)
    assert data["id"] == task_id
    assert is_text(data["status"])
    return data


def ended(skill: httpx.Client, task_id: str, language: str | None = None) -> dict[str, Any]:
    """Ask as often as the client would; the server holds each answer until something changes."""
    for _ in range(POLLS_MAX):
        if checked_task(skill, task_id, language)["status"] in {"completed", "failed"}:
            return checked_task(skill, task_id, language)
        skill.get(f"/v1/tasks/{task_id}", params={"wait": 10})
    raise AssertionError(f"{task_id} has not ended")


def upload(skill: httpx.Client, picture: bytes) -> dict[str, Any]:
    return checked(
        skill.post(
            "/v1/uploads/images",
            files={"file": ("reference.png", picture, "image/png")},
            timeout=UPLOAD_S,
        )
    )


def test_step_1_models_are_listed_with_their_ids(skill):
    for params in (None, {"category": "video"}, {"expand": "category"}, {"expand": "parameters"}):
        data = checked(skill.get("/v1/models", params=params))["data"]
        assert MODEL in [item["id"] for item in data if is_text(item.get("id"))]
    assert checked(skill.get("/v1/models", params={"category": "image"}))["data"] == []
    (item,) = checked(skill.get("/v1/models", params={"expand": "parameters"}))["data"]
    assert item["parameters"]["properties"]["duration"]["enum"] == [5, 10]


def test_step_2_the_documentation_is_a_bare_object(skill):
    said = checked(skill.get("/v1/model-docs", params={"model": MODEL}))
    assert said["object"] == "model.documentation"
    assert said["model"] == MODEL
    assert all(is_text(said[name]) for name in ("doc_url", "markdown_url", "markdown"))
    assert all(is_positive(said[name]) for name in ("fetched_at", "cache_ttl_seconds"))
    assert isinstance(said["stale"], bool)
    assert isinstance(said.get("warning", ""), str)
    markdown = skill.get(said["markdown_url"])
    assert (markdown.status_code, markdown.text) == (200, said["markdown"])


@pytest.mark.parametrize("path", ["/v1/model-schema", f"/v1/models/{MODEL}/schema"])
def test_step_3_the_schema_is_a_bare_object_of_the_operation(skill, path):
    said = checked(skill.get(path, params={"model": MODEL, "operation": OPERATION}))
    assert is_text(said["model"])
    assert said["operation"] == OPERATION
    assert isinstance(said["input_schema"], dict)
    assert said["input_schema"]["properties"]["prompt"]["type"] == "string"


def test_step_3_a_schema_of_another_operation_is_an_error(skill):
    for params in ({"model": MODEL, "operation": "image_generation"}, {"model": "nobody"}):
        error = checked_error(skill.get("/v1/model-schema", params=params))
        assert error["type"] == "invalid_request_error"
        assert error["message"]


def test_step_4_an_upload_is_a_bare_object_with_a_plain_url(skill, picture):
    said = upload(skill, picture)
    assert set(said) == {"url", "filename", "content_type", "bytes", "created_at"}
    assert is_plain_url(said["url"])
    assert is_text(said["filename"])
    assert said["content_type"] in IMAGE_TYPES
    assert is_positive(said["bytes"])
    assert is_positive(said["created_at"])


def test_step_5_a_submit_is_accepted_in_the_versioned_form(skill):
    answer = submit(skill, {"prompt": "a boat", "resolution": "480p"}, "skill-versioned")
    assert answer.status_code == 202
    assert answer.headers["x-apimart-response-version"] == VERSION
    assert answer.headers.get("idempotency-replayed") != "true"
    task_id = checked_ticket(answer)
    assert is_plain_url(answer.json()["data"]["poll_url"])
    assert checked(skill.get(answer.json()["data"]["poll_url"]))["data"]["id"] == task_id


def test_step_5_the_same_key_and_body_give_the_first_answer_again(skill):
    body = {"prompt": "a kite", "resolution": "480p"}
    first, again = submit(skill, body, "skill-again"), submit(skill, body, "skill-again")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.status_code == first.status_code
    assert again.content == first.content


def test_step_5_the_same_key_and_another_body_are_refused_by_name(skill):
    submit(skill, {"prompt": "a tent", "resolution": "480p"}, "skill-reused")
    answer = submit(skill, {"prompt": "a lamp", "resolution": "480p"}, "skill-reused")
    assert answer.status_code == 409
    assert checked_error(answer)["code"] == "idempotency_key_reused"


def test_step_5_a_broken_rule_is_read_as_message_type_and_param(skill):
    answer = submit(skill, {"prompt": "a boat", "duration": 7}, "skill-broken")
    assert answer.status_code == 400
    assert checked_error(answer) == {
        "message": "duration must be 5 or 10 seconds, got 7",
        "type": "invalid_request_error",
        "param": "duration",
    }


def test_step_6_polling_ends_with_a_video_that_can_be_fetched(skill, picture):
    """The whole way: upload, submit, poll, download."""
    body = {"prompt": "it wakes up", "image_urls": [upload(skill, picture)["url"]]}
    answer = submit(skill, {**body, "resolution": "480p"}, "skill-whole-way")
    task = ended(skill, checked_ticket(answer))
    assert (task["status"], task["progress"]) == ("completed", 100)
    (video,) = task["result"]["videos"]
    assert is_plain_url(video["url"][0])
    assert video["expires_at"] - task["completed"] == 86400
    film = httpx.get(video["url"][0], trust_env=False)
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")


def test_step_6_a_failed_task_says_why_in_the_languages_that_the_client_has(skill):
    sound = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" + bytes(20)
    kept = skill.post("/v1/uploads/audios", files={"file": ("s.wav", sound, "audio/wav")}).json()
    body = {"prompt": "a drum", "audio_url": kept["url"], "resolution": "480p"}
    task_id = checked_ticket(submit(skill, body, "skill-fails"))
    said = {language: ended(skill, task_id, language) for language in LANGUAGES}
    for task in said.values():
        assert task["status"] == "failed"
        assert "result" not in task
        assert is_text(task["error"]["message"])
        assert is_text(task["error"]["code"])
    assert "必须" in said["zh"]["error"]["message"]
    assert said["ko"]["error"] == said["en"]["error"]


def test_step_6_an_unknown_task_is_an_error_and_not_a_task(skill):
    answer = skill.get("/v1/tasks/task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ")
    error = checked_error(answer)
    assert (answer.status_code, error["message"]) == (400, "Invalid task ID")


def test_a_wrong_key_is_an_error_at_every_step(site):
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        for path in ("/v1/models", "/v1/model-docs", "/v1/model-schema", "/v1/balance"):
            answer = http.get(path, headers={"Authorization": "Bearer fg_wrong"})
            assert answer.status_code == 401
            assert checked_error(answer)["type"] == "authentication_error"


def test_balance_and_usage_have_their_shapes(skill):
    numbers = {"remain_balance", "used_balance", "remain_credits", "used_credits"}
    for path in ("/v1/balance", "/v1/user/balance", "/balance", "/user/balance"):
        said = checked(skill.get(path))
        assert set(said) == numbers | {"success", "unlimited_quota"}
        assert (said["success"], said["unlimited_quota"], said["remain_balance"]) == (
            True,
            True,
            -1,
        )
    for path in ("/v1/usage", "/usage"):
        said = checked(skill.get(path, params={"group_by": "model,date", "scope": "account"}))
        assert said["total"].keys() == {"requests", "seconds", "amount_usd", "credits"}
        assert all(row.keys() >= {"model", "date", "amount_usd"} for row in said["data"])
