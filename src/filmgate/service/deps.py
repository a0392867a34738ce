"""What verbs are given to work with.

Bootstrap fills it; verbs take from it what their port names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from filmgate.domain.api_key import ApiKey
from filmgate.domain.forecast import Forecast
from filmgate.domain.ids import TaskId
from filmgate.domain.model import Model
from filmgate.ports.clock import Clock, Entropy
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.links import Links
from filmgate.ports.queue import Outlook
from filmgate.ports.rewriter import Rewriter
from filmgate.ports.storage import Storage
from filmgate.ports.store import Store
from filmgate.ports.studio import Animator, Credential
from filmgate.ports.webhook import Sealer
from filmgate.service.gather import Gather
from filmgate.service.upstream import Routes
from filmgate.service.upstream_news import UpstreamNews


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that verbs keep."""

    image_bytes_max: int
    audio_bytes_max: int
    key_queue_length_max: int
    queue_length_max: int
    inputs_timeout_s: float
    make_timeout_s: float
    finish_timeout_s: float
    engine_wait_s: int
    upstream_timeout_s: int
    upstream_film_bytes_max: int
    queue_timeout_s: int
    crashes_max: int
    lease_s: float
    result_ttl_s: int
    upload_ttl_s: int
    task_ttl_d: int
    key_requests_per_minute: int = 0
    address_requests_per_minute: int = 0
    failed_logins_per_minute: int = 0
    """Rates; 0 stands for none."""


@dataclass(slots=True)
class QueueGauge:
    """How many unfinished tasks the server had a moment ago."""

    unfinished: int = 0
    read_at: datetime | None = None


@dataclass(slots=True)
class ForecastGauge:
    """How the queue was seen to go on a moment ago: service/forecast.py."""

    forecast: Forecast | None = None
    read_at: datetime | None = None


@dataclass(slots=True)
class TurnGauge:
    """How many turns this process asked for: service/limit_rate.py."""

    taken: int = 0


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
    routes: Routes
    """Which engines make which films."""
    credential: Credential | None = None
    """What films are signed with; None where none are made, or none are to be signed."""
    animator: Animator | None = None
    """What draws moving previews; None where nobody asks for them."""
    known_keys: dict[bytes, tuple[datetime, ApiKey]] = field(
        default_factory=dict[bytes, tuple[datetime, ApiKey]]
    )
    """Keys that were looked up a moment ago, by token hash: service/authenticate.py."""
    public_url: str = ""
    """Where upstreams reach this server; empty: they are asked, and tell nothing themselves."""
    upstream_news: UpstreamNews = field(default_factory=UpstreamNews)
    turn_gauge: TurnGauge = field(default_factory=TurnGauge)
    queue_gauge: QueueGauge = field(default_factory=QueueGauge)
    forecast_gauge: ForecastGauge = field(default_factory=ForecastGauge)
    outlooks: Gather[TaskId, Outlook] = field(default_factory=Gather[TaskId, Outlook])
    """Looks at the queue: service/read_task.py."""
