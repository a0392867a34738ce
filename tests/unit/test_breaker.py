"""The breaker of an upstream: what opens it, and how it closes again."""

from __future__ import annotations

import pytest

from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnfit,
)
from filmgate.service.upstream import Breaker

AWAY, SILENT, BUSY = UpstreamAway("away"), UpstreamSilent("silent"), UpstreamBusy("busy")


def after(*faults) -> Breaker:
    breaker = Breaker()
    for fault in faults:
        breaker.note(fault)
    return breaker


async def test_five_faults_in_a_row_open_it():
    assert not after(*[AWAY] * 4).is_open
    assert after(AWAY, SILENT, AWAY, SILENT, AWAY).is_open


@pytest.mark.parametrize("answer", [None, BUSY])
async def test_whoever_answers_is_there_also_one_that_is_busy(answer):
    assert not after(*[AWAY] * 4, answer, *[AWAY] * 4).is_open


async def test_a_refused_key_opens_it_at_once():
    assert after(UpstreamRefused("arrears")).is_open


async def test_films_that_it_does_not_make_say_nothing_of_its_health():
    assert not after(*[UpstreamUnfit("texts only")] * 9).is_open
    assert after(*[AWAY] * 4, UpstreamUnfit("texts only"), AWAY).is_open


async def test_while_open_one_trial_goes_through_in_a_while_and_closes_it(monkeypatch):
    breaker = after(*[AWAY] * 5)
    assert not breaker.may_try()
    monkeypatch.setattr(Breaker, "OPEN_S", 0.0)
    breaker.note(AWAY)
    monkeypatch.setattr(Breaker, "OPEN_S", 1000.0)
    assert [breaker.may_try(), breaker.may_try()] == [True, False]
    breaker.note(None)
    assert breaker.may_try()
