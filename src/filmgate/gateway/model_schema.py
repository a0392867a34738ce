"""A model's rules as JSON Schema 2020-12, and in words as Markdown. It makes no rule.

JSON Schema takes 5.0 for an integer; the server does not.
"""

from __future__ import annotations

from filmgate.domain.field_rule import FieldRule, Kind
from filmgate.domain.ledger import MICRO_USD
from filmgate.domain.model import DEFAULT_SIZE, Model

_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean",
    Kind.MEDIA_URL: "string",
    Kind.MEDIA_URLS: "array",
}


def input_schema(model: Model) -> dict[str, object]:
    """Return what a request's body may hold. `model` itself may be left out, as tools add it."""
    properties: dict[str, object] = {
        "model": {"type": "string", "const": model.id, "description": "The model's id."}
    }
    for rule in model.fields.values():
        properties[rule.name] = _property(rule)
    return {
        "type": "object",
        "title": model.title,
        "properties": properties,
        "additionalProperties": False,
        "if": {"required": ["image_urls"], "properties": {"image_urls": {"minItems": 1}}},
        "then": {"not": {"required": ["size"]}},
        "else": {
            "required": ["prompt"],
            "properties": {"prompt": {"pattern": r"\S"}},
            "allOf": _sizes(model),
        },
    }


def _property(rule: FieldRule) -> dict[str, object]:
    said: dict[str, object] = {"type": _TYPES[rule.kind], "description": rule.doc}
    if rule.default is not None:
        said["default"] = rule.default
    if rule.only is not None:
        said["const"] = rule.only
    if rule.choices:
        said["enum"] = list(rule.choices)
    limits = {"maxLength": rule.chars_max, "minimum": rule.low, "maximum": rule.high}
    if rule.kind is Kind.MEDIA_URLS:
        said["items"] = {"type": "string", "pattern": _url_pattern(rule)}
        limits["maxItems"] = rule.items_max
    if rule.kind is Kind.MEDIA_URL:
        said["pattern"] = _url_pattern(rule)
    said.update({name: limit for name, limit in limits.items() if limit is not None})
    return said


def _url_pattern(rule: FieldRule) -> str:
    return f"^(https?://|data:{rule.data_uri}/)" if rule.data_uri else "^https?://"


def _sizes(model: Model) -> list[dict[str, object]]:
    """Which sizes go with which resolution. An absent resolution is the default one."""
    default = model.fields["resolution"].default
    said: list[dict[str, object]] = []
    for resolution, sizes in model.frame_px.items():
        chosen: dict[str, object] = {"properties": {"resolution": {"const": resolution}}}
        if resolution != default:
            chosen["required"] = ["resolution"]
        said.append({"if": chosen, "then": {"properties": {"size": {"enum": list(sizes)}}}})
    return said


def markdown(model: Model) -> str:
    """Return the model's rules in words."""
    return "\n".join(
        [
            f"# {model.title} (`{model.id}`)",
            "",
            f"{', '.join(model.capabilities)}. Videos have {model.fps} frames a second.",
            "",
            "With `image_urls` the task is image-to-video, else text-to-video.",
            "",
            "## Fields",
            "",
            "| field | type | default | rules | meaning |",
            "|---|---|---|---|---|",
            f"| `model` | string | required | `{model.id}` | The model's id. |",
            *[_row(rule) for rule in model.fields.values()],
            "",
            'Types are strict: `"5"` is not `5`. Any other field is refused.',
            "",
            *_frame_table(model),
            "",
            *_price_table(model),
            "",
        ]
    )


def _row(rule: FieldRule) -> str:
    default = "–" if rule.default is None else f"`{_json(rule.default)}`"
    kind = "array of strings" if rule.kind is Kind.MEDIA_URLS else _TYPES[rule.kind]
    return f"| `{rule.name}` | {kind} | {default} | {_cell(_limits(rule))} | {_cell(rule.doc)} |"


def _limits(rule: FieldRule) -> str:
    said: list[str] = []
    if rule.only is not None:
        said.append(f"only `{_json(rule.only)}`: {rule.only_because}")
    if rule.choices:
        said.append(", ".join(f"`{_json(choice)}`" for choice in rule.choices))
    if rule.chars_max is not None:
        said.append(f"at most {rule.chars_max:,} characters")
    if rule.items_max is not None:
        said.append(f"at most {rule.items_max}")
    if rule.low is not None and rule.high is not None:
        said.append(f"{rule.low} to {rule.high}")
    if rule.kind in {Kind.MEDIA_URL, Kind.MEDIA_URLS}:
        said.append(
            "http(s) URL" + (f" or `data:{rule.data_uri}/…;base64,`" if rule.data_uri else "")
        )
    return "; ".join(said) or "–"


def _frame_table(model: Model) -> list[str]:
    ratios = list(dict.fromkeys(ratio for sizes in model.frame_px.values() for ratio in sizes))
    lines = [
        f"## Frame sizes (text-to-video; `size` is {DEFAULT_SIZE} when absent)",
        "",
        "| size | " + " | ".join(model.frame_px) + " |",
        "|---" * (len(model.frame_px) + 1) + "|",
    ]
    for ratio in ratios:
        cells = [
            f"{sizes[ratio][0]}×{sizes[ratio][1]}" if ratio in sizes else "–"
            for sizes in model.frame_px.values()
        ]
        lines.append(f"| {ratio} | " + " | ".join(cells) + " |")
    return lines


def _price_table(model: Model) -> list[str]:
    lines = ["## Price, USD per second of video", "", "| resolution | price |", "|---|---|"]
    for resolution, micro_usd in model.price_micro_usd_per_s.items():
        lines.append(f"| {resolution} | {micro_usd / MICRO_USD:g} |")
    return lines


def _json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
