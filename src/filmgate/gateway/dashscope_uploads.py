"""Files for the DashScope door, as its package brings them: a policy for the key, then a form
without it. The verb judges the content.

GET  /api/v1/uploads?action=getPolicy&model=     where to, and a signature good for five minutes
POST /api/v1/uploads                             the form, like Alibaba's OSS: key, policy, …, file
"""

from __future__ import annotations

import base64
from dataclasses import replace

import msgspec
from starlette.requests import Request

from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidRequest, Unavailable
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import caller
from filmgate.gateway.dashscope_wire import Done, UploadPolicy, UploadPolicyEnvelope
from filmgate.gateway.door import DoorSettings, origin_of, visit_of
from filmgate.gateway.multipart import FormFile
from filmgate.gateway.uploads import UPLOADS_AT_ONCE_MAX
from filmgate.service.deps import Deps
from filmgate.service.grant_upload import (
    GRANT_S,
    UploadGrant,
    grant_upload,
    keep_granted_upload,
)

UPLOADS_PATH = "/api/v1/uploads"
ACTION = "getPolicy"
FIELDS_MAX = 20


class DashscopeUploads:
    """The handlers of /api/v1/uploads."""

    def __init__(self, *, deps: Deps, settings: DoorSettings) -> None:
        self._deps = deps
        self._settings = settings
        self._open = 0

    async def policy(self, request: Request) -> Answer:
        """Hand out a policy."""
        key = await caller(request, self._deps)
        action = request.query_params.get("action")
        if action != ACTION:
            got = "none" if action is None else shown(action)
            raise InvalidFields([BrokenRule("action", f"action must be {ACTION}, got {got}")])
        grant = grant_upload(key=key, deps=self._deps)
        policy = UploadPolicy(
            policy=base64.urlsafe_b64encode(msgspec.json.encode(grant)).decode("ascii"),
            signature=grant.signature,
            upload_dir=grant.folder,
            upload_host=origin_of(request, self._settings) + UPLOADS_PATH,
            expire_in_seconds=GRANT_S,
            max_file_size_mb=self._bytes_max() // 2**20,
            oss_access_key_id=key.id,
            x_oss_object_acl="private",
            x_oss_forbid_overwrite="false",
        )
        return json_answer(UploadPolicyEnvelope(policy, visit_of(request).request_id))

    async def keep(self, request: Request) -> Answer:
        """Keep the form's file. Its policy stands for the key."""
        form = FormFile(request, size_bytes_max=self._bytes_max(), fields_max=FIELDS_MAX)
        filename = await form.filename()
        grant = replace(_grant(form.text("policy")), signature=form.text("Signature"))
        if self._open >= UPLOADS_AT_ONCE_MAX:
            raise Unavailable(f"{self._open} uploads are running already; try again soon")
        self._open += 1
        try:
            await keep_granted_upload(
                form.chunks(),
                name=form.text("key"),
                filename=filename,
                grant=grant,
                deps=self._deps,
            )
        finally:
            self._open -= 1
        return json_answer(Done(visit_of(request).request_id))

    def _bytes_max(self) -> int:
        return max(self._settings.image_bytes_max, self._settings.audio_bytes_max)


def _grant(policy: str) -> UploadGrant:
    """What a policy says, not yet checked. Raises InvalidRequest."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(policy), type=UploadGrant)
    except ValueError as error:  # not base 64, no ASCII, no JSON, or JSON of something else
        message = f"policy must be one that GET {UPLOADS_PATH} gave, got {shown(policy)}"
        raise InvalidRequest(message, param="policy") from error
