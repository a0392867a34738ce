"""What each fault of each upstream leads to: the table that test_upstream_faults.py proves and that
docs/reference/upstream-faults.md shows. It runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from filmgate.testing.film_file import FilmKind
from filmgate.testing.upstream import Fault, Outcome

PROVIDERS: Mapping[str, str] = {
    "dashscope": "DashScope",
    "apimart": "APIMart, filmgate",
    "vllm-omni": "vLLM-Omni",
    "sglang": "SGLang",
    "lightx2v": "LightX2V",
    "comfyui": "ComfyUI",
}
OURS = ("vllm-omni", "sglang", "lightx2v", "comfyui")
"""Servers that bill nobody."""
STEPS = ("ordering", "waiting", "fetching", "the film")
"""How the names of cases begin."""
ELSEWHERE = "elsewhere"
NOTHING, FILM, PERHAPS = "–", "the film", "perhaps the film"


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ends."""

    task: str
    """completed, by that upstream; elsewhere: completed by the route's next engine; cancelled; or
    the code of the failure.
    """
    charged: str
    """What the upstream takes for it."""
    submits: int
    """Requests that order a film, of which at most one has ever been taken."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault."""

    told: str
    dashscope: Ending
    apimart: Ending
    ours: Ending
    others: Mapping[str, Ending] = field(default_factory=dict)
    """Where one server of ours differs from the rest of them."""
    outcome: Outcome = Outcome.DONE
    film: FilmKind = FilmKind.GOOD
    faults: tuple[tuple[str, Fault, int, bool], ...] = ()
    """Operation, fault, how often, whether it is done all the same."""
    meanwhile: str = ""
    """What happens while it is made: cancelled, or forgotten by the upstream."""
    is_down: bool = False
    upstream_timeout_s: int = 60

    def ending(self, provider: str) -> Ending:
        """Return how it ends at that provider."""
        billing = {"dashscope": self.dashscope, "apimart": self.apimart}
        return {**dict.fromkeys(OURS, self.ours), **billing, **self.others}[provider]


def _submit(fault: Fault, *, is_taken: bool = False) -> tuple[tuple[str, Fault, int, bool], ...]:
    return (("submit", fault, 1, is_taken),)


def _alike(told: str, task: str, charged: str, submits: int, **given: object) -> Case:
    """The same everywhere, but that our own servers charge nothing."""
    billed, free = Ending(task, charged, submits), Ending(task, NOTHING, submits)
    return Case(told, billed, billed, free, **given)  # type: ignore[arg-type]


def _lost_answer(told: str, fault: Fault) -> Case:
    """It was taken, and nobody heard of it."""
    return Case(
        told,
        dashscope=Ending("upstream_uncertain", PERHAPS, 1),
        apimart=Ending("completed", FILM, 2),
        ours=Ending(ELSEWHERE, NOTHING, 1),
        faults=_submit(fault, is_taken=True),
    )


CASES = (
    _alike("ordering: it takes no connection", ELSEWHERE, NOTHING, 0, is_down=True),
    _alike("ordering: 429", ELSEWHERE, NOTHING, 1, faults=_submit(Fault.BUSY)),
    _alike(
        "ordering: 429 with `Retry-After`",
        ELSEWHERE,
        NOTHING,
        1,
        faults=_submit(Fault.BUSY_FOR_A_SECOND),
    ),
    Case(
        "ordering: 500 with an error in JSON",
        dashscope=Ending(ELSEWHERE, NOTHING, 1),
        apimart=Ending("completed", FILM, 2),
        ours=Ending(ELSEWHERE, NOTHING, 1),
        faults=_submit(Fault.SERVER_ERROR),
    ),
    _lost_answer("ordering: 502 of a gateway, after it was taken", Fault.BAD_GATEWAY),
    _lost_answer("ordering: no answer, after it was taken", Fault.HANG),
    _lost_answer("ordering: the connection ends within the answer", Fault.CUT),
    _lost_answer("ordering: an answer that is no JSON", Fault.GIBBERISH),
    _alike("ordering: a late answer", "completed", FILM, 1, faults=_submit(Fault.LATE)),
    _alike(
        "waiting: 502, no JSON, 429 and a cut answer in turn",
        "completed",
        FILM,
        1,
        faults=tuple(
            ("look", fault, 1, False)
            for fault in (Fault.BAD_GATEWAY, Fault.GIBBERISH, Fault.BUSY, Fault.CUT)
        ),
    ),
    _alike("waiting: failed there, not charged", ELSEWHERE, NOTHING, 1, outcome=Outcome.FAILED),
    Case(
        "waiting: refused by its content rules",
        dashscope=Ending("upstream_rejected", NOTHING, 1),
        apimart=Ending("upstream_rejected", NOTHING, 1),
        ours=Ending(ELSEWHERE, NOTHING, 1),
        outcome=Outcome.REJECTED,
    ),
    Case(
        "waiting: it forgets the film",
        dashscope=Ending("upstream_failed", FILM, 1),
        apimart=Ending("upstream_failed", FILM, 1),
        ours=Ending(ELSEWHERE, NOTHING, 1),
        outcome=Outcome.NEVER,
        meanwhile="forgotten",
    ),
    _alike(
        "waiting: it never ends (`upstream_timeout_s`)",
        "stage_timed_out",
        PERHAPS,
        1,
        outcome=Outcome.NEVER,
        upstream_timeout_s=0,
    ),
    Case(
        "waiting: the caller cancels",
        dashscope=Ending("cancelled", NOTHING, 1),
        apimart=Ending("cancelled", PERHAPS, 1),
        ours=Ending("cancelled", NOTHING, 1),
        outcome=Outcome.NEVER,
        meanwhile="cancelled",
    ),
    _alike(
        "fetching: 502, then the film", "completed", FILM, 1,
        faults=(("film", Fault.BAD_GATEWAY, 1, False),),
    ),
    _alike(
        "fetching: the connection ends within the film, then the film", "completed", FILM, 1,
        faults=(("film", Fault.CUT, 1, False),),
    ),
    _alike(
        "fetching: its link has expired", "upstream_failed", FILM, 1,
        faults=(("film", Fault.FORBIDDEN, 100, False),),
    ),
    _alike("the film is as it was ordered", "completed", FILM, 1),
    _alike("the film is no film", "upstream_failed", FILM, 1, film=FilmKind.NOT_A_FILM),
    _alike("the film is half as long", "upstream_failed", FILM, 1, film=FilmKind.SHORT),
    _alike("the film has another size and rate", "completed", FILM, 1, film=FilmKind.WRONG_SIZE),
    _alike("the film has no sound", "completed", FILM, 1, film=FilmKind.SILENT),
)  # fmt: skip

HEAD = """<!-- Written by tests/repo/reference_pages.py (`./check fix`). Do not edit. -->

# What faults of upstreams lead to

Each cell was played through with the real store, the real provider and an upstream that fails on
demand (`tests/fault/test_upstream_faults.py`), on a route of two engines, so that it shows what may
be made elsewhere. It reads: how the task ends · what the upstream charges · how often the film was
ordered.

- *completed*: with that upstream's film, brought to the promised size, rate, length and sound.
- *elsewhere*: completed by the next engine of the route. Where there is none, the task waits for
  `engine_wait_s` after faults that pass, and is tried again a few times after failures; then it
  fails.
- a code: the task failed (docs/reference/errors.md). The caller pays for completed tasks and for
  nothing else.
- *perhaps the film*: what the upstream took could not be learned, or is not known yet;
  `filmgate engines purchases` shows each such order.

An upstream was never ordered a second film from. Two orders stand only where the second one carried
the same key, to which the upstream answers with the first one's film.

"""


def page() -> str:
    """Return docs/reference/upstream-faults.md."""
    rows = [["fault", *PROVIDERS.values()], ["---"] * (len(PROVIDERS) + 1)]
    rows += [[case.told, *(_cell(case.ending(name)) for name in PROVIDERS)] for case in CASES]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(ending: Ending) -> str:
    task = f"`{ending.task}`" if "_" in ending.task else ending.task
    return f"{task} · {ending.charged} · {ending.submits}"
