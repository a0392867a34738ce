"""The rewriter's settings: one of them is a secret, and one needs another."""

from __future__ import annotations

import pytest

from filmgate.config import read_settings
from filmgate.domain.errors import ConfigError

SECRET = "sk-very-secret"
SET = {
    "FILMGATE_REWRITER_URL": "http://127.0.0.1:9/v1",
    "FILMGATE_REWRITER_MODEL": "m",
    "FILMGATE_REWRITER_KEY": SECRET,
}


def test_the_rewriters_key_is_shown_nowhere() -> None:
    settings, origins = read_settings(SET)
    shown = {origin.name: origin.value for origin in origins}
    assert shown["rewriter_key"] == "***"
    assert SECRET not in repr(settings) + repr(origins)
    assert settings.rewriter_key == SECRET


def test_a_key_that_is_not_set_is_shown_as_empty() -> None:
    _, origins = read_settings({})
    assert {origin.name: origin.value for origin in origins}["rewriter_key"] == ""


def test_a_rewriter_needs_its_model() -> None:
    with pytest.raises(ConfigError, match="rewriter_model"):
        read_settings({"FILMGATE_REWRITER_URL": "http://127.0.0.1:9/v1"})
