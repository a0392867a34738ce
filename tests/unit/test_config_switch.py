"""Settings that are on or off, and the two that must come together."""

from __future__ import annotations

import pytest

from filmgate.config import read_settings
from filmgate.domain.errors import ConfigError


@pytest.mark.parametrize("word", ["off", "OFF", " false ", "no", "0"])
def test_a_switch_is_turned_off_by_any_usual_word(word: str) -> None:
    settings, _ = read_settings({"FILMGATE_PROVENANCE": word})
    assert settings.provenance is False


@pytest.mark.parametrize("word", ["on", "True", "yes", "1"])
def test_a_switch_is_turned_on_by_any_usual_word(word: str) -> None:
    settings, _ = read_settings({"FILMGATE_PROVENANCE": word})
    assert settings.provenance is True


def test_a_switch_refuses_other_words_and_shows_as_on_or_off(tmp_path) -> None:
    with pytest.raises(ConfigError, match="provenance must be on or off, got 'maybe'"):
        read_settings({"FILMGATE_PROVENANCE": "maybe"})
    (tmp_path / "filmgate.toml").write_text("provenance = false\n")
    settings, origins = read_settings({"FILMGATE_DATA": str(tmp_path)})
    assert settings.provenance is False
    assert [origin.value for origin in origins if origin.name == "provenance"] == ["off"]


def test_a_switch_survives_being_handed_to_a_child_process() -> None:
    for is_on in (True, False):
        settings, _ = read_settings({"FILMGATE_PROVENANCE": str(is_on)})
        assert settings.provenance is is_on


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ConfigError, match="must be given together"):
        read_settings({"FILMGATE_PROVENANCE_CERTIFICATE": "/x.pem"})
