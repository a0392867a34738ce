"""What models this server offers: list, JSON Schema, documentation. The rules are the catalogue's.

GET /v1/models?category=&expand=         GET /v1/models/{model}?expand=
GET /v1/model-schema?model=&operation=   GET /v1/models/{model}/schema?operation=
GET /v1/model-docs?model=&format=
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from msgspec import UNSET
from starlette.requests import Request

from filmgate.domain.errors import BrokenRule, InvalidFields, ModelNotFound
from filmgate.domain.field_rule import shown
from filmgate.domain.ledger import MICRO_USD
from filmgate.domain.model import Model
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import ANY_SCOPE, caller
from filmgate.gateway.door import DoorSettings, origin_of
from filmgate.gateway.model_schema import input_schema, markdown
from filmgate.gateway.wire import (
    ModelDocumentation,
    ModelFrames,
    ModelList,
    ModelObject,
    ModelSchema,
)
from filmgate.service.deps import Deps
from filmgate.service.submit_task import find_model

OPERATION = "video_generation"
DOCS_CACHE_S = 3600
EXPANDABLE = frozenset({"category", "frames", "parameters"})
FORMATS = ("json", "markdown")


class ModelPages:
    """The handlers about models."""

    def __init__(self, *, deps: Deps, settings: DoorSettings) -> None:
        self._deps = deps
        self._settings = settings

    async def list(self, request: Request) -> Answer:
        """List the models; `?category=` chooses among them, `?expand=` says more of each."""
        key = await caller(request, self._deps, one_of=ANY_SCOPE)
        category = request.query_params.get("category")
        expanded = _expanded(request)
        models = [
            model_object(model, expanded)
            for model in self._deps.models.values()
            if category in {None, "", model.category} and key.may_use(model.id)
        ]
        return json_answer(ModelList(models, "list", success=True))

    async def show(self, request: Request) -> Answer:
        """Show one model of the list, by its id: aliases are no models of their own."""
        key = await caller(request, self._deps, one_of=ANY_SCOPE)
        expanded = _expanded(request)
        asked: str = request.path_params["model"]
        model = self._deps.models.get(asked)
        if model is None or not key.may_use(asked):
            known = ", ".join(one for one in self._deps.models if key.may_use(one))
            message = f"model {shown(asked)} is not known; known are {known or 'none'}"
            raise ModelNotFound(message, param="model")
        return json_answer(model_object(model, expanded))

    async def schema(self, request: Request) -> Answer:
        """Give a model's input as JSON Schema."""
        await caller(request, self._deps, one_of=ANY_SCOPE)
        model = self._asked(request)
        operation = request.query_params.get("operation", OPERATION)
        if operation != OPERATION:
            message = f"operation must be {OPERATION}, got {shown(operation)}"
            raise InvalidFields([BrokenRule("operation", message)])
        schema = ModelSchema(
            object="model.schema",
            model=model.id,
            operation=OPERATION,
            input_schema=input_schema(model),
        )
        return json_answer(schema)

    async def docs(self, request: Request) -> Answer:
        """Give a model's rules in words; `?format=markdown` leaves the envelope out."""
        await caller(request, self._deps, one_of=ANY_SCOPE)
        model = self._asked(request)
        text = markdown(model)
        form = request.query_params.get("format") or "json"
        if form not in FORMATS:
            message = f"format must be {' or '.join(FORMATS)}, got {shown(form)}"
            raise InvalidFields([BrokenRule("format", message)])
        if form == "markdown":
            headers = ((b"content-type", b"text/markdown; charset=utf-8"),)
            return Answer(text.encode(), headers=headers)
        origin = origin_of(request, self._settings)
        doc_url = f"{origin}/v1/model-docs?model={quote(model.id)}"
        documentation = ModelDocumentation(
            object="model.documentation",
            model=model.id,
            doc_url=doc_url,
            markdown_url=f"{doc_url}&format=markdown",
            markdown=text,
            fetched_at=int(self._deps.clock.now().timestamp()),
            cache_ttl_seconds=DOCS_CACHE_S,
            stale=False,
        )
        return json_answer(documentation)

    def _asked(self, request: Request) -> Model:
        return find_model({**request.query_params, **request.path_params}, self._deps.models)


def _expanded(request: Request) -> Collection[str]:
    """What is to be told of each model beside the usual; the category always is."""
    text = request.query_params.get("expand") or ""
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names <= EXPANDABLE:
        message = f"expand must be {' or '.join(sorted(EXPANDABLE))}, got {shown(text)}"
        raise InvalidFields([BrokenRule("expand", message)])
    return names


def model_object(model: Model, expanded: Collection[str] = ()) -> ModelObject:
    """Return a model's line in the list, with what is to be `expanded` of it."""
    return ModelObject(
        id=model.id,
        object="model",
        created=model.created,
        owned_by="filmgate",
        supported_endpoint_types=["video-generation"],
        category=model.category,
        capability_tags=list(model.capabilities),
        title=model.title,
        fps=model.fps,
        resolutions=list(model.frame_px),
        price_usd_per_second={
            resolution: micro_usd / MICRO_USD
            for resolution, micro_usd in model.price_micro_usd_per_s.items()
        },
        parameters=input_schema(model) if "parameters" in expanded else UNSET,
        frames=_frames(model) if "frames" in expanded else UNSET,
    )


def _frames(model: Model) -> ModelFrames:
    return ModelFrames(
        sizes={
            resolution: {size: list(px) for size, px in sizes.items()}
            for resolution, sizes in model.frame_px.items()
        },
        picture_tolerance=model.image_ratio_tolerance,
        picture_aspect_max=model.image_aspect_max,
    )
