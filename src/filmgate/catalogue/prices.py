"""The operator's prices in place of the catalogue's. What was held before keeps its price.

wan2.5-preview/720p=0.05     one resolution's, US dollars a second of video
wan2.5-preview=0.05          all of a model's
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from filmgate.domain.errors import ConfigError
from filmgate.domain.ledger import MICRO_USD
from filmgate.domain.model import Model

SETTING = "model_prices"
_USD_FORM = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def with_prices(models: Mapping[str, Model], prices: Mapping[str, str]) -> dict[str, Model]:
    """Return the models with these prices, `model` or `model/resolution` → US dollars a second.

    A resolution's own price outranks its model's. Raises ConfigError.
    """
    priced = dict(models)
    for name in sorted(prices):  # `model` stands before `model/resolution`
        model_id, _, resolution = name.partition("/")
        model = priced.get(model_id)
        if model is None:
            raise ConfigError(_unknown("model", model_id, models))
        if resolution and resolution not in model.price_micro_usd_per_s:
            raise ConfigError(_unknown("resolution", resolution, model.price_micro_usd_per_s))
        price = _micro_usd(name, prices[name])
        changed = [resolution] if resolution else list(model.price_micro_usd_per_s)
        table = {**model.price_micro_usd_per_s, **dict.fromkeys(changed, price)}
        priced[model_id] = replace(model, price_micro_usd_per_s=table)
    return priced


def _micro_usd(name: str, text: str) -> int:
    if not _USD_FORM.fullmatch(text):
        rule = "must be US dollars a second, with at most 6 decimals"
        raise ConfigError(f"{SETTING}: the price of {name} {rule}, got {text!r}")
    return int(Decimal(text) * MICRO_USD)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return f"{SETTING} names an unknown {what} {name!r}; {hint}"
