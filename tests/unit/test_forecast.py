"""The forecast: the queue is played forward, and a full one says when to come again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from filmgate.domain.forecast import FilmKind, Pace, played_forward, retry_after_s

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHORT, LONG = FilmKind("m", "480p", 5), FilmKind("m", "1080p", 10)
MAKE_S = {SHORT: 10.0, LONG: 100.0}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_each_waiting_film_goes_to_the_worker_that_is_free_first():
    pace = Pace(
        make_s=MAKE_S,
        running=[(SHORT, ago(4)), (LONG, ago(50))],
        line=[LONG, SHORT, SHORT],
        waiting_since=ago(60),
    )
    forecast = played_forward(pace, now=NOW)
    # free after 6 s (then busy for 100 s) and after 50 s (then for 10 s and 10 s)
    assert [forecast.wait_s(ahead) for ahead in range(4)] == [6, 50, 60, 70]
    assert forecast.wait_s(5) == pytest.approx(70 + 2 * (120 / 3) / 2)


def test_workers_that_were_busy_lately_are_there_for_the_next():
    idle = played_forward(Pace(make_s=MAKE_S, at_once=2, running=[(LONG, ago(1))]), now=NOW)
    assert idle.wait_s(0) == 0
    alone = played_forward(Pace(make_s=MAKE_S, running=[(LONG, ago(1))], at_once=1), now=NOW)
    assert alone.wait_s(0) == 99


def test_a_line_that_stands_shows_how_many_workers_are_left():
    pace = Pace(make_s=MAKE_S, at_once=4, running=[(SHORT, NOW)], line=[SHORT])
    standing = Pace(
        make_s=MAKE_S, at_once=4, running=[(SHORT, NOW)], line=[SHORT], waiting_since=ago(30)
    )
    assert played_forward(pace, now=NOW).wait_s(1) == 0
    assert played_forward(standing, now=NOW).wait_s(1) == 20


def test_an_overdue_film_is_expected_soon_and_never_in_the_past():
    pace = Pace(make_s=MAKE_S, running=[(SHORT, ago(500))])
    assert played_forward(pace, now=NOW).wait_s(0) == pytest.approx(1.0)


def test_a_kind_that_was_never_made_is_guessed_from_its_model():
    pace = Pace(make_s={SHORT: 10.0})
    assert pace.usual_s(FilmKind("m", "720p", 10)) == 20
    assert pace.usual_s(FilmKind("other", "720p", 10)) == 15


def test_a_full_queue_says_how_quickly_tasks_end():
    ends = [ago(seconds) for seconds in (5, 12, 21)]
    assert retry_after_s(ends, now=NOW) == 7
    assert retry_after_s([ago(10**6)], now=NOW) == 600
    assert retry_after_s([ago(0)], now=NOW) == 1
    assert retry_after_s(None, now=NOW) == 30
