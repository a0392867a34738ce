"""Routes: which one takes a film, and in which order its engines are tried."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from filmgate.domain.generation import Generation
from filmgate.domain.route import Route, first_route

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FILM = Generation(
    model="wan2.5-preview",
    prompt="a road",
    negative_prompt="",
    resolution="720p",
    size="16:9",
    duration_s=5,
    seed=7,
    may_rewrite_prompt=True,
    has_watermark=False,
    image=None,
    audio=None,
    language="en",
)


def route(**conditions):
    return Route(name="r", choices=({"draft": 1},), **conditions)


def holds(generation=FILM, api_key="key_1", at=NOON, **conditions):
    return route(**conditions).holds(generation, api_key=api_key, at=at)


def test_a_route_without_conditions_takes_everything():
    assert holds()


@pytest.mark.parametrize(
    ("conditions", "other"),
    [
        ({"models": frozenset({"wan2.5-preview"})}, {"model": "another"}),
        ({"modes": frozenset({"text-to-video"})}, {"image": "https://films.example/p.png"}),
        ({"resolutions": frozenset({"480p", "720p"})}, {"resolution": "1080p"}),
        ({"durations_s": frozenset({5})}, {"duration_s": 10}),
    ],
)
def test_a_condition_takes_what_it_names_and_nothing_else(conditions, other):
    assert holds(**conditions)
    assert not holds(replace(FILM, **other), **conditions)


def test_a_route_may_be_kept_for_some_keys():
    assert holds(api_keys=frozenset({"key_1"}))
    assert not holds(api_keys=frozenset({"key_2"}))


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ((time(8), time(18)), ["08:00", "17:59"], ["07:59", "18:00"]),
        ((time(20), time(6)), ["20:00", "23:59", "00:00", "05:59"], ["06:00", "19:59"]),
    ],
)
def test_hours_include_their_first_minute_and_may_go_over_midnight(hours, inside, outside):
    for text, expected in [*((t, True) for t in inside), *((t, False) for t in outside)]:
        at = datetime.combine(NOON, time.fromisoformat(text), tzinfo=UTC)
        assert holds(at=at, hours_utc=hours) is expected, text


def test_the_first_route_that_holds_is_taken():
    short = replace(route(durations_s=frozenset({5})), name="short")
    rest = replace(route(), name="rest")
    chosen = [
        first_route((short, rest), replace(FILM, duration_s=s), api_key="k", at=NOON)
        for s in (5, 10)
    ]
    assert [found.name for found in chosen if found] == ["short", "rest"]
    assert first_route((short,), replace(FILM, duration_s=10), api_key="k", at=NOON) is None


def test_choices_are_tried_in_their_order_and_each_engine_once():
    several = Route(name="r", choices=({"a": 1}, {"b": 1}, {"a": 1}, {"draft": 1}))
    assert several.engines_for("task_1") == ("a", "b", "draft")


def test_weights_are_shares_of_the_tasks_and_the_rest_stands_in():
    weighted = Route(name="r", choices=({"big": 3, "small": 1}, {"draft": 1}))
    orders = Counter(weighted.engines_for(f"task_{number}") for number in range(4000))
    assert set(orders) == {("big", "small", "draft"), ("small", "big", "draft")}
    assert orders["big", "small", "draft"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_a_resumed_task_draws_the_same():
    weighted = Route(name="r", choices=({"a": 1, "b": 1, "c": 1},))
    mirrored = Route(name="r", choices=({"c": 1, "b": 1, "a": 1},))
    for number in range(50):
        drawn = weighted.engines_for(f"task_{number}")
        assert drawn == weighted.engines_for(f"task_{number}") == mirrored.engines_for(
            f"task_{number}"
        )  # fmt: skip
