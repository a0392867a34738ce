"""What every answer has, whoever gives it: ids, headers, the log line, the shape of errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import structlog

from filmgate.domain.errors import FilmgateError, LeaseLost
from filmgate.gateway.auth import bearer_token
from filmgate.gateway.proxies import Proxies
from gateway_room import SIMPLE, TOKEN, Room

SUBMIT = "/v1/videos/generations"
PRIVATE = ["/v1/tasks", "/v1/tasks/x", "/v1/models", "/v1/model-schema", "/v1/model-docs"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/tasks", "/nowhere", "/v1/files/x"])
async def test_every_answer_has_an_id_and_is_not_to_be_sniffed(room: Room, path: str) -> None:
    async with room.client() as client:
        answer = await client.get(path)
        again = await client.get(path)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert again.headers["x-request-id"] != answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"]
    assert len(answer.headers.get_list("cache-control")) == 1


@pytest.mark.parametrize("given", ["abc-1", "a" * 128, "req_1/2:3"])
async def test_a_sane_id_of_the_caller_is_kept(room: Room, given: str) -> None:
    async with room.client() as client:
        answer = await client.get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "<script>", 'a"b', "\xe4"])
async def test_an_insane_id_is_replaced(room: Room, given: str) -> None:
    headers = [(b"x-request-id", given.encode("latin-1"))]
    async with room.client() as client:
        answer = await client.get("/healthz", headers=headers)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_an_unknown_path_is_a_404_in_the_shape_of_errors(room: Room) -> None:
    async with room.client() as client:
        answer = await client.get("/v1/nowhere?q=1")
        slashed = await client.get("/v1/tasks/")
    assert answer.status_code == slashed.status_code == 404
    assert answer.json()["error"] == {
        "code": 404,
        "message": 'no such path: "/v1/nowhere"; /openapi.json lists them all',
        "type": "invalid_request_error",
    }


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", SUBMIT, "POST"),
        ("DELETE", SUBMIT, "POST"),
        ("POST", "/v1/tasks", "GET, HEAD"),
        ("PUT", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/v1/models", "GET, HEAD"),
        ("GET", "/v1/tasks/x/cancel", "POST"),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_the_right_ones(
    room: Room, method: str, path: str, allow: str
) -> None:
    async with room.client() as client:
        answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert (
        answer.json()["error"]["message"] == f'"{path}" does not take "{method}"; it takes {allow}'
    )


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "API key is required: "),
        ("", "API key is required: "),
        ("Basic dTpw", 'Authorization must use the scheme Bearer, got scheme "Basic": '),
        ("fg_secret", "Authorization must use the scheme Bearer: "),
        ("Bearer", "the API key after Bearer is empty: "),
        ("Bearer   ", "the API key after Bearer is empty: "),
        ("Bearer a b", "the API key after Bearer must not contain spaces: "),
    ],
)
def test_a_missing_or_malformed_key_is_told_how_to_be_sent(
    header: str | None, message: str
) -> None:
    with pytest.raises(FilmgateError) as caught:
        bearer_token(header)
    assert caught.value.message == message + "send your API key as `Authorization: Bearer <key>`"
    assert caught.value.http_status == 401


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_token("bearer  abc ") == "abc"


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("token", [None, "fg_wrong", "ä", "x" * 300])
async def test_without_a_right_key_there_is_nothing_to_see(
    room: Room, path: str, token: str | None
) -> None:
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    async with room.client(token=None) as client:
        answer = await client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert answer.json()["error"]["code"] == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert token is None or token not in answer.text


@pytest.mark.parametrize("path", [SUBMIT, "/v1/uploads/images", "/v1/tasks/x/cancel"])
async def test_the_key_is_asked_for_before_the_body_is_read(room: Room, path: str) -> None:
    async with room.client(token=None) as client:
        answer = await client.post(path, content=b"\xff" * 10)
    assert answer.status_code == 401


@pytest.mark.parametrize("error", [KeyError("secret prompt"), LeaseLost("secret prompt")])
async def test_an_unforeseen_error_tells_nothing_but_its_request_id(
    room: Room, error: Exception
) -> None:
    room.store.submit_error = error
    with structlog.testing.capture_logs() as logs:
        async with room.client() as client:
            answer = await client.post(SUBMIT, json=SIMPLE, headers={"X-Request-Id": "r-1"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {
            "code": 500,
            "message": "internal error; the request id is r-1",
            "type": "server_error",
        }
    }
    failed = next(log for log in logs if log["event"] == "request.failed")
    assert failed["request_id"] == "r-1"
    assert failed["trace"][0] == type(error).__name__
    assert "gateway_room.py" in failed["trace"][1]
    assert "secret prompt" not in json.dumps(logs)


async def test_the_log_has_one_line_a_request_and_no_secret(room: Room) -> None:
    with structlog.testing.capture_logs() as logs:
        async with room.client() as client:
            answer = await client.post(SUBMIT, json=SIMPLE)
            await client.get("/v1/files/x?signature=not-to-be-seen")
    line, _ = [log for log in logs if log["event"] == "request.answered"]
    task_id = answer.json()["data"][0]["task_id"]
    assert line["method"] == "POST"
    assert line["path"] == SUBMIT
    assert line["status"] == 200
    assert line["task_id"] == task_id
    assert line["key_id"] == "key_one"
    assert line["request_id"] == answer.headers["x-request-id"]
    said = json.dumps(logs)
    assert not [secret for secret in (TOKEN, SIMPLE["prompt"], "not-to-be-seen") if secret in said]


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/openapi.json", "/v1/models"])
async def test_head_has_the_headers_of_get_and_no_body(room: Room, path: str) -> None:
    async with room.client() as client:
        get, head = await client.get(path), await client.head(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_ready_is_what_the_database_says(room: Room) -> None:
    async with room.client(token=None) as client:
        assert (await client.get("/readyz")).status_code == 200
        room.store.ready = False
        answer = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable"}
    assert alive.status_code == 200


async def test_the_page_names_the_server_and_its_version(room: Room) -> None:
    async with room.client(token=None) as client:
        answer = await client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "filmgate 9.9.9" in answer.text
    assert 'href="openapi.json"' in answer.text


ORIGIN = "https://app.example"


async def test_browsers_are_kept_out_until_an_origin_is_set(room: Room) -> None:
    async with room.client() as client:
        answer = await client.get("/v1/models", headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_set_origin_may_call_and_read_errors(tmp_path: Path) -> None:
    room = Room(tmp_path, cors_origins=(ORIGIN,))
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    async with room.client() as client:
        preflight = await client.options(SUBMIT, headers=asks)
        wrong = await client.post(SUBMIT, content=b"{", headers={"Origin": ORIGIN})
        other = await client.options(SUBMIT, headers=asks | {"Origin": "https://evil.example"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert wrong.status_code == 415
    assert wrong.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-Id" in wrong.headers["access-control-expose-headers"]
    assert "x-request-id" in preflight.headers
    assert "access-control-allow-origin" not in other.headers


async def poll_url(room: Room, address: str, headers: dict[str, str]) -> str:
    version = {"X-APIMart-Response-Version": "2026-07-27"}
    async with room.client(address=address) as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers=headers | version)
    return answer.json()["data"]["poll_url"].rpartition("/v1/")[0]


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.example"}


async def test_forwarded_headers_are_believed_only_from_a_trusted_proxy(tmp_path: Path) -> None:
    room = Room(tmp_path, trusted_networks=("10.0.0.0/8",))
    assert await poll_url(room, "10.1.2.3", FORWARDED) == "https://public.example"
    assert await poll_url(room, "192.0.2.1", FORWARDED) == "http://films.example"
    nobody = Room(tmp_path)
    assert await poll_url(nobody, "10.1.2.3", FORWARDED) == "http://films.example"


async def test_the_public_url_outranks_what_the_request_says(tmp_path: Path) -> None:
    room = Room(tmp_path, public_url="https://films.example/gate/")
    assert await poll_url(room, "127.0.0.1", {"Host": "x"}) == "https://films.example/gate"


@pytest.mark.parametrize("host", ["a b", "a/b", "a@b", "<x>", "a:b", "", "[zz]"])
async def test_a_host_that_is_none_is_not_repeated(room: Room, host: str) -> None:
    said = await poll_url(room, "127.0.0.1", {"Host": host})
    assert said in {"http://films.example", "http://films.example:80"}


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.7, garbage", "10.0.0.1"),
        ("garbage, 203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_caller_is_the_nearest_address_that_is_no_proxy(forwarded: str, client: str) -> None:
    scope = {
        "client": ("10.0.0.1", 5),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", forwarded.encode())],
    }
    Proxies(["10.0.0.0/8"]).believe(scope)
    assert scope["client"][0] == client


async def test_the_lifespan_runs_the_watch_and_ends_it(room: Room) -> None:
    async with room.app.router.lifespan_context(room.app):
        pass
