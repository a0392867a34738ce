"""Every installed engine keeps the engine contract, found by its entry point."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from filmgate.bootstrap import load_engine
from filmgate.domain.errors import ConfigError
from filmgate.testing.engine_contract import BRIEF, check_engine
from filmgate.testing.engines import TestcardEngine

NEED_WEIGHTS = {"ltx2", "wan"}
"""tests/neural/test_open_weights.py proves these, with weights of its own."""
ENGINES = sorted({entry.name for entry in entry_points(group="filmgate.engines")} - NEED_WEIGHTS)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_keeps_the_contract(name):
    check_engine(load_engine(name))


def test_an_unknown_engine_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match="no engine is named 'nope'; installed are draft"):
        load_engine("nope")


def test_the_contract_catches_an_engine_that_drops_a_frame():
    class Short(TestcardEngine):
        def make(self, brief, observer):
            import dataclasses

            return super().make(
                dataclasses.replace(brief, prompt=brief.prompt + " [short]"), observer
            )

    with pytest.raises(AssertionError, match=f"{BRIEF.frame_count} frames were ordered"):
        check_engine(Short())
