"""Puts the gateway together: layers, routes, handlers. It chooses no adapter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
)
from contextlib import asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from filmgate.gateway.address_limit import AddressLimit
from filmgate.gateway.admin import AdminPages
from filmgate.gateway.apimart import VERSION_HEADER, Apimart
from filmgate.gateway.billing import Billing
from filmgate.gateway.body import Bodies
from filmgate.gateway.dashscope import ASYNC_HEADER, RESOLVE_HEADER, Dashscope
from filmgate.gateway.dashscope_uploads import UPLOADS_PATH, DashscopeUploads
from filmgate.gateway.door import Door, DoorSettings
from filmgate.gateway.events import Events
from filmgate.gateway.faults import Faults
from filmgate.gateway.files import Files
from filmgate.gateway.health import HealthPages
from filmgate.gateway.mcp import McpDoor
from filmgate.gateway.models import ModelPages
from filmgate.gateway.openai_videos import OpenaiVideos
from filmgate.gateway.openapi import openapi_document, query_names
from filmgate.gateway.overview import OverviewPages
from filmgate.gateway.page_files import PageFiles
from filmgate.gateway.previews import PreviewPages
from filmgate.gateway.request_form import check_form
from filmgate.gateway.sessions import Sessions
from filmgate.gateway.uploads import Uploads
from filmgate.gateway.upstreams import CALLBACK_PATH, UpstreamCallbacks
from filmgate.gateway.webhooks import WebhookPages
from filmgate.service.deps import Deps
from filmgate.service.moving_preview import CONTENT_TYPES
from filmgate.service.previews import PreviewWatch
from filmgate.service.watch import TaskWatch

__all__ = ["DoorSettings", "build_app"]

Handler = Callable[[Request], Awaitable[ASGIApp]]

STRICT_PATHS = (
    *("/v1/videos/generations", "/v1/tasks", "/v1/uploads/", "/v1/model-", "/v1/webhooks/"),
    *("/v1/balance", "/v1/user/", "/v1/usage", "/balance", "/user/", "/usage"),
    *("/v1/admin/", "/v1/session"),
)
"""Where a query's unknown name is refused, as a body's is. Other paths serve clients of other APIs,
which send names of their own, or whoever has a link.
"""
PUBLIC_STATUS_PATH = "/v1/tasks/{task_id}"
"""Not there either: a film that is paid for must not be out of reach for a name in a query."""
CORS_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
CORS_TAKES = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Protocol-Version",
    "Range",
    VERSION_HEADER,
    ASYNC_HEADER,
    RESOLVE_HEADER,
    "X-Request-Id",
)
CORS_SHOWS = (
    "Accept-Ranges",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "openai-poll-after-ms",
    "X-Filmgate-Passed-Over",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    VERSION_HEADER,
    "X-Request-Id",
)


class Endpoint:
    """One path: a handler for each method. HEAD is answered by the handler of GET."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self.query_names: Mapping[str, Collection[str]] = {}
        """Those that are read, by method."""
        self.is_strict = False
        """Whether other names of a query are refused."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, method = Request(scope, receive), scope["method"]
        known = self.query_names.get("GET" if method == "HEAD" else method, ())
        check_form(request, known, is_strict=self.is_strict)
        answer = await self._handlers[method](request)
        await answer(scope, receive, send)


class FirmRoute(Route):
    """A path that also looks like another route's: a method it lacks is not asked of that one."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the path is this one's, whatever the method."""
        match, child = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL else match), child


class SlashedRoute(Route):
    """A path that may also end in a slash, as one client writes it."""

    def __init__(self, path: str, endpoint: ASGIApp, *, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + "/?$")


def build_app(deps: Deps, door: DoorSettings, watch: TaskWatch) -> Starlette:
    """Return the ASGI application. Its lifespan runs the watch and the door for agents."""

    previews = PreviewWatch(deps.store)
    agents = McpDoor(deps=deps, settings=door, watch=watch)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as group:
            loops = (watch.run(), previews.run(), agents.run())
            running = [group.create_task(loop) for loop in loops]
            yield
            for each in running:
                each.cancel()

    document = openapi_document(models=deps.models, version=door.version)
    routes = [*_routes(deps, door, watch, previews, document), _route("/mcp", POST=agents.serve)]
    _tell_queries(routes, document)
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    # Set here, because Starlette's own two layers would answer errors in their own shape.
    app.middleware_stack = _layers(app.router, door, deps)
    return app


def _tell_queries(routes: Iterable[Route], document: bytes) -> None:
    """Let every path take the query's names that the API's document lists for it."""
    known = query_names(document)
    for route in routes:
        endpoint = cast("Endpoint", route.endpoint)
        endpoint.query_names = known[route.path.replace(":path", "")]
        is_strict = route.path.startswith(STRICT_PATHS) and route.path != PUBLIC_STATUS_PATH
        endpoint.is_strict = is_strict


def _layers(router: ASGIApp, door: DoorSettings, deps: Deps) -> ASGIApp:
    app: ASGIApp = Faults(router)
    if deps.limits.address_requests_per_minute:
        app = AddressLimit(app, deps=deps)
    if door.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=door.cors_origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_TAKES,
            expose_headers=CORS_SHOWS,
        )
    return Door(app, settings=door)


def _routes(
    deps: Deps, door: DoorSettings, watch: TaskWatch, previews: PreviewWatch, document: bytes
) -> list[Route]:
    """The busiest come first: the router looks from the top."""
    bodies = Bodies(body_bytes_max=door.body_bytes_max, large_bodies_max=door.large_bodies_max)
    apimart = Apimart(deps=deps, settings=door, watch=watch, bodies=bodies)
    events = Events(deps=deps, settings=door, watch=watch, previews=previews)
    pictures = PreviewPages(deps=deps)
    models = ModelPages(deps=deps, settings=door)
    uploads = Uploads(deps=deps, settings=door)
    webhooks = WebhookPages(deps=deps)
    files = Files(deps=deps)
    health = HealthPages(deps=deps, openapi=document)
    page = PageFiles(version=door.version)
    sessions = Sessions(deps=deps, settings=door, bodies=bodies)
    return [
        _firm_route("/v1/videos/generations", POST=apimart.submit),
        _route("/v1/tasks/{task_id}", GET=apimart.show, DELETE=apimart.delete),
        _route("/v1/tasks/{task_id}/events", GET=events.follow),
        _route("/v1/tasks/{task_id}/preview.jpg", GET=pictures.newest),
        *(_route(f"/v1/tasks/{{task_id}}/{name}", GET=pictures.moving) for name in CONTENT_TYPES),
        _route("/v1/tasks/{task_id}/cancel", POST=apimart.cancel),
        _route("/v1/tasks", GET=apimart.list),
        *_openai_routes(OpenaiVideos(deps=deps, settings=door, bodies=bodies)),
        *_dashscope_routes(
            Dashscope(deps=deps, settings=door, bodies=bodies),
            DashscopeUploads(deps=deps, settings=door),
        ),
        _route("/v1/files/{key:path}", GET=files.send),
        _route("/v1/uploads/images", POST=uploads.keep_image),
        _route("/v1/uploads/audios", POST=uploads.keep_audio),
        _route(CALLBACK_PATH, POST=UpstreamCallbacks(deps=deps).hear),
        _route("/v1/webhooks/secret", GET=webhooks.secret),
        _route("/v1/webhooks/secret/rotate", POST=webhooks.rotate),
        *_delivery_routes(webhooks),
        *_billing_routes(Billing(deps=deps)),
        *_admin_routes(AdminPages(deps=deps, bodies=bodies)),
        *_overview_routes(OverviewPages(deps=deps, version=door.version)),
        _route("/v1/models", GET=models.list),
        _route("/v1/models/{model}", GET=models.show),
        _route("/v1/models/{model}/schema", GET=models.schema),
        _route("/v1/model-schema", GET=models.schema),
        _route("/v1/model-docs", GET=models.docs),
        _route("/healthz", GET=health.live),
        _route("/readyz", GET=health.ready),
        _route("/openapi.json", GET=health.openapi),
        _route("/v1/session", GET=sessions.show, POST=sessions.open, DELETE=sessions.close),
        _route("/page/{name:path}", GET=page.part),
        _route("/", GET=page.home),
    ]


def _openai_routes(videos: OpenaiVideos) -> list[Route]:
    refused = ("edits", "extensions", "characters")
    return [
        *(_firm_route(f"/v1/videos/{name}", POST=videos.refuse) for name in refused),
        _route("/v1/videos", GET=videos.list, POST=videos.create),
        _route("/v1/videos/{video_id}", GET=videos.show, DELETE=videos.delete),
        _route("/v1/videos/{video_id}/content", GET=videos.content),
        _route("/v1/videos/{video_id}/remix", POST=videos.remix),
    ]


def _dashscope_routes(door: Dashscope, uploads: DashscopeUploads) -> list[Route]:
    paths: dict[str, dict[str, Handler]] = {
        "/api/v1/services/aigc/video-generation/video-synthesis": {"POST": door.create},
        "/api/v1/tasks/{task_id}": {"GET": door.show},
        "/api/v1/tasks/{task_id}/cancel": {"POST": door.cancel},
        "/api/v1/tasks": {"GET": door.list},
        UPLOADS_PATH: {"GET": uploads.policy, "POST": uploads.keep},
    }
    return [
        SlashedRoute(path, Endpoint(handlers), methods=list(handlers))
        for path, handlers in paths.items()
    ]


def _delivery_routes(webhooks: WebhookPages) -> list[Route]:
    own, every = "/v1/webhooks/deliveries", "/v1/admin/webhooks/deliveries"
    return [
        _route(own, GET=webhooks.deliveries),
        _route(f"{own}/{{delivery}}/redeliver", POST=webhooks.redeliver),
        _route(every, GET=webhooks.all_deliveries),
        _route(f"{every}/{{delivery}}/redeliver", POST=webhooks.redeliver_any),
    ]


def _billing_routes(billing: Billing) -> list[Route]:
    paths = (
        ("/balance", billing.balance),
        ("/user/balance", billing.user_balance),
        ("/usage", billing.usage),
    )
    return [_route(f"{prefix}{path}", GET=show) for prefix in ("/v1", "") for path, show in paths]


def _admin_routes(admin: AdminPages) -> list[Route]:
    account, key = "/v1/admin/accounts/{account}", "/v1/admin/keys/{key}"
    return [
        _route("/v1/admin/me", GET=admin.me),
        _route("/v1/admin/accounts", GET=admin.list_accounts, POST=admin.create_account),
        _route(account, GET=admin.show_account, PATCH=admin.edit_account),
        _route(f"{account}/credits", GET=admin.entries, POST=admin.grant),
        _route("/v1/admin/keys", GET=admin.list_keys, POST=admin.create_key),
        _route(key, GET=admin.show_key, PATCH=admin.edit_key, DELETE=admin.revoke_key),
        _route(f"{key}/rotate", POST=admin.rotate_key),
        _route(f"{key}/disable", POST=admin.disable_key),
        _route(f"{key}/enable", POST=admin.enable_key),
    ]


def _overview_routes(overview: OverviewPages) -> list[Route]:
    return [
        _route("/v1/admin/usage", GET=overview.usage),
        _route("/v1/admin/system", GET=overview.system),
    ]


def _firm_route(path: str, **handlers: Handler) -> Route:
    return FirmRoute(path, Endpoint(handlers), methods=list(handlers))


def _route(path: str, **handlers: Handler) -> Route:
    return Route(path, Endpoint(handlers), methods=list(handlers))
