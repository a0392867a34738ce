"""Reads the settings, once at start, from FILMGATE_* variables and one TOML file.

Order of precedence: command line, then environment, then the TOML file named by FILMGATE_CONFIG (or
`filmgate.toml` in the data folder), then the default. An unknown name is an error, so that a typo
never passes for a default.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from filmgate.config.settings import Settings
from filmgate.domain.errors import ConfigError

PREFIX = "FILMGATE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a setting's value came from."""

    name: str
    value: str
    source: str
    doc: str


def read_settings(
    environment: Mapping[str, str], *, overrides: Mapping[str, Any] | None = None
) -> tuple[Settings, list[Origin]]:
    """Read all settings and say where each came from. Raises ConfigError."""
    overrides = {k: v for k, v in (overrides or {}).items() if v is not None}
    file_path = _config_file(environment, overrides)
    in_file = _read_toml(file_path) if file_path else {}
    in_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    known = {f.name: f for f in fields(Settings)}
    for source, names in (("environment", in_environment), (str(file_path), in_file)):
        for name in names:
            if name not in known:
                raise ConfigError(_unknown(name, source, known))
    values: dict[str, Any] = {}
    origins: list[Origin] = []
    for name, spec in known.items():
        if name in overrides:
            value, source = overrides[name], "command line"
        elif name in in_environment:
            value, source = in_environment[name], f"environment {PREFIX}{name.upper()}"
        elif name in in_file:
            value, source = in_file[name], str(file_path)
        else:
            value, source = spec.default, "default"
        values[name] = _typed(name, value, spec.default, spec.metadata)
        shown = _masked(name, values[name], is_secret=spec.metadata["is_secret"])
        origins.append(Origin(name=name, value=shown, source=source, doc=spec.metadata["doc"]))
    return Settings(**values), origins


NOT_SETTINGS = frozenset(
    {"FILMGATE_CONFIG", "FILMGATE_API_KEY", "FILMGATE_URL", "FILMGATE_VENV", "FILMGATE_LISTEN_FD"}
    | {"FILMGATE_SUPERVISED"}  # supervisor/parent.py
)
"""Variables with our prefix that are read elsewhere: by the client commands, the launcher and
the gateway.
"""


def _config_file(environment: Mapping[str, str], overrides: Mapping[str, Any]) -> Path | None:
    named = environment.get("FILMGATE_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"FILMGATE_CONFIG names {named!r}, which is not a file")
        return Path(named)
    data = overrides.get("data") or environment.get("FILMGATE_DATA")
    if data and (Path(data) / "filmgate.toml").is_file():
        return Path(data) / "filmgate.toml"
    return None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _unknown(name: str, source: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown setting {name!r} from {source}{hint} `filmgate config` lists them all."


_ON, _OFF = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "no", "0"})


def _switched(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _ON | _OFF:
        raise ValueError(word)
    return word in _ON


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "on or off": _switched,
    "a whole number": int,
    "a number": float,
    "text": str,
}


def _typed(name: str, value: Any, default: Any, rule: Mapping[str, Any]) -> Any:
    wanted = _wanted(default)
    try:
        typed: Any = _KINDS[wanted](value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be {wanted}, got {value!r}") from error
    low, high = rule["low"], rule["high"]
    if low is not None and typed < low:
        raise ConfigError(f"{name} must be at least {low:g}, got {typed}")
    if high is not None and typed > high:
        raise ConfigError(f"{name} must be at most {high:g}, got {typed}")
    return typed


def _wanted(default: Any) -> str:
    match default:
        case bool():  # before int, which it also is
            return "on or off"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case _:
            return "text"


def _masked(name: str, value: Any, *, is_secret: bool) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value)
    if is_secret:
        return "***" if text else ""
    if name == "database_url" and "@" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    return text
