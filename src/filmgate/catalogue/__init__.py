"""Floor 3.

The models this server offers, one TOML file each. Data; the rules' code is domain/model.py.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files

from filmgate.domain.field_rule import field_rule
from filmgate.domain.model import Model, model_from


def load_models() -> dict[str, Model]:
    """Read every model file of the catalogue, by model id."""
    models: dict[str, Model] = {}
    for entry in files("filmgate.catalogue").iterdir():
        if entry.name.endswith(".toml"):
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            rules = {name: field_rule(name, rule) for name, rule in data["fields"].items()}
            models[data["id"]] = model_from(data, rules=rules)
    return models
