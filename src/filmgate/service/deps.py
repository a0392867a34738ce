"""What verbs are given to work with.

Bootstrap fills it; verbs take from it what their port names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from filmgate.domain.api_key import ApiKey
from filmgate.domain.model import Model
from filmgate.ports.clock import Clock, Entropy
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.links import Links
from filmgate.ports.rewriter import Rewriter
from filmgate.ports.storage import Storage
from filmgate.ports.store import Store
from filmgate.ports.studio import Credential
from filmgate.ports.webhook import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that verbs keep."""

    image_bytes_max: int
    audio_bytes_max: int
    key_queue_length_max: int
    queue_length_max: int
    inputs_timeout_s: float
    make_timeout_s: float
    queue_timeout_s: int
    crashes_max: int
    lease_s: float
    result_ttl_s: int
    upload_ttl_s: int
    task_ttl_d: int


@dataclass(slots=True)
class QueueGauge:
    """How many unfinished tasks the server had a moment ago."""

    unfinished: int = 0
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The adapters behind the ports."""

    store: Store
    storage: Storage
    links: Links
    fetcher: Fetcher
    sealer: Sealer
    rewriter: Rewriter
    clock: Clock
    entropy: Entropy
    models: Mapping[str, Model]
    limits: Limits
    engine: str
    """The engine that makes every model's films: the route, in its simplest form."""
    credential: Credential | None = None
    """What films are signed with; None where none are made, or none are to be signed."""
    known_keys: dict[bytes, tuple[datetime, ApiKey]] = field(
        default_factory=dict[bytes, tuple[datetime, ApiKey]]
    )
    """Keys that were looked up a moment ago, by token hash: service/authenticate.py."""
    queue_gauge: QueueGauge = field(default_factory=QueueGauge)
