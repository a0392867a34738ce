"""docs/reference/compatibility.md names a test for all that it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clients.compatibility import VERDICTS, tables

HERE = Path(__file__).parent
ROWS = tables()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.client}-{row.call}")
def test_a_row_has_a_verdict_and_tests_that_exist(row):
    assert row.verdict in VERDICTS
    assert row.difference or row.verdict == "works"
    known = set(re.findall(r"def (test_\w+)", "".join(p.read_text() for p in HERE.glob("*.py"))))
    assert set(row.tests) <= known
    assert row.tests or row.verdict == "not yet"


def test_a_call_stands_there_once():
    calls = [(row.client, row.call) for row in ROWS]
    assert len(calls) == len(set(calls)) > 10
