"""From the fields of the OpenAI Videos API, of vLLM-Omni and of SGLang to this server's own. The
model's rules are applied later, by the verb.

    seconds, num_frames with fps   → duration     the nearest that the model has
    size, width with height        → resolution and size     likewise
    input_reference, reference_url → image_urls
    extra_params                   → its fields
    any field of the model         → as it is; a form's text becomes what the field holds
    steps, guidance, fps alone     → nothing, and told so: the engine's own are the operator's

Nearest size: the nearest aspect ratio first, then the smallest frame with at least the area asked
for, else the largest. Nearest seconds: ties go up. Neither may be more than half again as much, or
as little, as was asked for: that is refused.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from filmgate.domain.content_type import IMAGE_TYPES, sniff
from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidRequest
from filmgate.domain.field_rule import FieldRule, Kind, shown
from filmgate.domain.model import Model
from filmgate.gateway.strict_json import parse_json

DEFAULTS = {"seconds": "4", "size": "720x1280"}
"""What that API takes where nothing is said."""
STRETCH_MAX = 1.5
MODEL_DEFAULT = "sora-2"

_DATED = re.compile(r"(.+)-20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_SIZE = re.compile(r"([1-9][0-9]{1,4})\s*[xX×*]\s*([1-9][0-9]{1,4})")
_SECONDS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?")
_WHOLE = re.compile(r"-?[0-9]{1,40}")
_PICTURES = ("input_reference", "image_reference", "reference_url")
_OWN = frozenset({"model", "seconds", "num_frames", "fps", "size", "width", "height", *_PICTURES})
_SAMPLING = frozenset(
    {"num_inference_steps", "guidance_scale", "guidance_scale_2", "true_cfg_scale"}
    | {"flow_shift", "boundary_ratio"}
)
"""How an engine works. A model whose catalogue has one of them takes it; others pass it over, as
the programs that send them always do."""
_NOT_TAKEN = {
    "aspect_ratio": "send size, in pixels or as an aspect ratio such as 16:9",
    "enhance_prompt": "send prompt_extend",
    "generate_sound": "every video has sound; audio_url gives one of your own",
    "generate_audio": "every video has sound; audio_url gives one of your own",
    "video": "no model here takes a video; input_reference takes a picture",
}

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFields:
    """A request in this server's fields, and the names of those that change nothing."""

    body: Fields
    passed_over: tuple[str, ...]


def model_name(asked: object, *, models: Mapping[str, Model], aliases: Mapping[str, str]) -> object:
    """Return the id of the model that a name stands for; a dated name counts as its undated one.

    What is not known comes back as it is: the verb refuses it. Nothing is taken for that API's
    default, and where that is no alias, for the first model.
    """
    if asked is None:
        return aliases.get(MODEL_DEFAULT) or next(iter(models))
    if not isinstance(asked, str) or asked in models:
        return asked
    dated = _DATED.fullmatch(asked)
    return aliases.get(asked) or (aliases.get(dated[1]) if dated else None) or asked


def with_defaults(given: Fields) -> dict[str, object]:
    """Return the fields of a new video with that API's defaults where it says nothing."""
    has_length = given.keys() & {"seconds", "duration", "num_frames"}
    has_size = given.keys() & {"size", "width", "height"}
    return {
        **({} if has_length else {"seconds": DEFAULTS["seconds"]}),
        **({} if has_size else {"size": DEFAULTS["size"]}),
        **given,
    }


def own_fields(given: Fields, *, model: Model, is_form: bool, has_picture: bool) -> OwnFields:
    """Return this server's fields. `has_picture` says that the video starts from a picture anyway:
    then, as with a picture of its own, size sets the resolution alone.

    Raises InvalidFields with all rules that were broken here.
    """
    broken: list[BrokenRule] = []
    said = _flat(given, broken)
    own: dict[str, object] = {}
    passed_over = _passed_over(said, model, broken)
    for name, value in said.items():
        if name in passed_over:
            continue
        if name in _NOT_TAKEN and name not in model.fields:
            message = f"{name} is not taken: {_NOT_TAKEN[name]}; got {shown(value)}"
            broken.append(BrokenRule(name, message))
        elif isinstance(value, bytes) and name not in _PICTURES:
            broken.append(BrokenRule(name, f"{name} must be text, got a file"))
        elif name not in _OWN:
            rule = model.fields.get(name)
            own[name] = _typed(value, rule) if is_form and rule is not None else value
    has_picture = _put_picture(said, own, broken) or has_picture or bool(own.get("image_urls"))
    _put_duration(said, own, model, broken)
    _put_size(said, own, model, broken, has_picture=has_picture)
    if broken:
        raise InvalidFields(broken)
    return OwnFields(body=own, passed_over=passed_over)


def _passed_over(said: Fields, model: Model, broken: list[BrokenRule]) -> tuple[str, ...]:
    """What is not this model's to take. It must be a number all the same."""
    names = [name for name in said if name in _SAMPLING and name not in model.fields]
    if "fps" in said and "num_frames" not in said and _number(said["fps"]) != model.fps:
        names.append("fps")
    for name in names:
        if _number(said[name]) is None:
            broken.append(BrokenRule(name, f"{name} must be a number, got {shown(said[name])}"))
    return tuple(names)


# ---- fields within fields


def _flat(given: Fields, broken: list[BrokenRule]) -> dict[str, object]:
    """The fields with those of extra_params beside them; what is null counts as absent."""
    said = {name: value for name, value in given.items() if value is not None}
    extra = said.pop("extra_params", None)
    if isinstance(extra, str) and extra.strip():
        try:
            extra = parse_json(extra.encode())
        except InvalidRequest:
            message = f"extra_params must be a JSON object, got {shown(extra)}"
            broken.append(BrokenRule("extra_params", message))
            return said
    if not extra:
        return said
    if not isinstance(extra, dict):
        message = f"extra_params must be a JSON object, got {shown(extra)}"
        broken.append(BrokenRule("extra_params", message))
        return said
    for name, value in cast("dict[str, object]", extra).items():
        if name in said:
            message = f"{name[:60]} must be given once, got it in extra_params too"
            broken.append(BrokenRule(name[:60], message))
        elif value is not None:
            said[name] = value
    return said


def _typed(value: object, rule: FieldRule) -> object:
    """What a form's text says, where the text has that form; else the text, to be refused."""
    if not isinstance(value, str):
        return value
    match rule.kind:
        case Kind.INTEGER:
            return int(value) if _WHOLE.fullmatch(value) else value
        case Kind.BOOLEAN:
            return {"true": True, "false": False}.get(value.lower(), value)
        case Kind.MEDIA_URLS:
            return [value] if value else []
        case _:
            return value


# ---- the picture


def _put_picture(said: Fields, own: dict[str, object], broken: list[BrokenRule]) -> bool:
    names = [name for name in _PICTURES if name in said]
    if not names:
        return False
    name = names[0]
    if len(names) > 1 or "image_urls" in own:
        others = " and ".join([*names, "image_urls"] if "image_urls" in own else names)
        broken.append(BrokenRule(name, f"one picture may be given, got {others}"))
        return True
    url = _picture_url(name, said[name], broken)
    if url is not None:
        own["image_urls"] = [url]
    return True


def _picture_url(name: str, value: object, broken: list[BrokenRule]) -> str | None:
    if isinstance(value, bytes):
        content_type = sniff(value)
        if content_type in IMAGE_TYPES:
            return f"data:{content_type};base64,{base64.b64encode(value).decode('ascii')}"
        got = content_type or f"{len(value):,} bytes of an unknown type"
        message = f"{name} must be a JPEG, PNG, WebP, BMP or GIF picture, got {got}"
    elif isinstance(value, dict):
        named = cast("dict[str, object]", value)
        url = named.get("image_url")
        if isinstance(url, str) and len(named) == 1:
            return url
        got = ", ".join(key[:20] for key in list(named)[:4]) or "nothing"
        message = f"{name} must be a file, or an object with image_url alone, got {got}"
    elif isinstance(value, str) and value[:1] == "{":
        try:
            return _picture_url(name, parse_json(value.encode()), broken)
        except InvalidRequest:
            message = f"{name} must be a file, a URL or a JSON object, got {shown(value)}"
    elif isinstance(value, str):
        return value
    else:
        message = f"{name} must be a file or an object with image_url, got {shown(value)}"
    broken.append(BrokenRule(name, message))
    return None


# ---- how long


def _put_duration(
    said: Fields, own: dict[str, object], model: Model, broken: list[BrokenRule]
) -> None:
    names = [name for name in ("seconds", "num_frames", "duration") if name in said]
    if len(names) > 1:
        message = f"give one of seconds, num_frames and duration, got {' and '.join(names)}"
        broken.append(BrokenRule(names[0], message))
    elif "num_frames" in said:
        own["duration"] = _of_frames(said, model, broken)
    if "seconds" in said:
        own["duration"] = _nearest_seconds(said["seconds"], model, broken)


def _nearest_seconds(value: object, model: Model, broken: list[BrokenRule]) -> int | None:
    choices = _durations_s(model)
    nearest_s = _nearest_of(choices, _number(value))
    if nearest_s is not None:
        return nearest_s
    low, high = min(choices) / STRETCH_MAX, max(choices) * STRETCH_MAX
    had = " or ".join(map(str, choices))
    message = (
        f"seconds must be {math.ceil(low)} to {math.floor(high)}, of which {had} is made,"
        f" got {shown(value)}"
    )
    broken.append(BrokenRule("seconds", message))
    return None


def _of_frames(said: Fields, model: Model, broken: list[BrokenRule]) -> int | None:
    """The seconds that frames at a rate last, by the nearest that the model has: 81 at 16, and 121
    at 24, are 5.
    """
    frames, fps = _number(said["num_frames"]), _number(said.get("fps", model.fps))
    nearest_s = _nearest_of(_durations_s(model), frames / fps if frames and fps else None)
    if nearest_s is not None:
        return nearest_s
    had = " or ".join(str(duration_s * model.fps) for duration_s in _durations_s(model))
    message = (
        f"num_frames must be near {had} at {model.fps} fps, got {shown(said['num_frames'])}"
        f" at {shown(said.get('fps', model.fps))}; or send seconds"
    )
    broken.append(BrokenRule("num_frames", message))
    return None


def _nearest_of(choices_s: list[int], asked_s: float | None) -> int | None:
    """The nearest, ties going up; None if all are far from it."""
    if not asked_s:
        return None
    nearest_s = min(choices_s, key=lambda choice: (abs(choice - asked_s), -choice))
    return nearest_s if _stretch(nearest_s, asked_s) <= STRETCH_MAX else None


def _durations_s(model: Model) -> list[int]:
    return [int(choice) for choice in model.fields["duration"].choices]


# ---- how large


def _put_size(
    said: Fields,
    own: dict[str, object],
    model: Model,
    broken: list[BrokenRule],
    *,
    has_picture: bool,
) -> None:
    size = said.get("size")
    if "width" in said or "height" in said:
        if size is not None:
            broken.append(BrokenRule("size", "give size, or width and height, got all of them"))
            return
        size = f"{_side(said.get('width'))}x{_side(said.get('height'))}"
    if size is None:
        return
    if isinstance(size, str) and size in {ratio for px in model.frame_px.values() for ratio in px}:
        own["size"] = size
        return
    asked = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    resolution = own.get("resolution")
    if asked is None:
        message = f"size must be WIDTHxHEIGHT in pixels, such as 1280x720, got {shown(size)}"
        broken.append(BrokenRule("size", message))
    elif resolution is None or (isinstance(resolution, str) and resolution in model.frame_px):
        width_px, height_px = int(asked[1]), int(asked[2])
        only = resolution
        if has_picture:
            own["resolution"] = only or _nearest_area(model.frame_px, width_px * height_px)
            return
        nearest = nearest_size(model, width_px, height_px, resolution=only)
        if nearest is None:
            sizes = sorted({f"{w}x{h}" for px in model.frame_px.values() for w, h in px.values()})
            message = f"size must be near one of {', '.join(sizes)}, got {shown(size)}"
            broken.append(BrokenRule("size", message))
        else:
            own["resolution"], own["size"] = nearest


def nearest_size(
    model: Model, width_px: int, height_px: int, *, resolution: str | None = None
) -> tuple[str, str] | None:
    """Return the resolution and aspect ratio nearest to a size, or None if all are far from it.

    With `resolution`, only its sizes are looked at.
    """
    aspect = width_px / height_px
    tables = {resolution: model.frame_px[resolution]} if resolution else model.frame_px
    ratios = {ratio for sizes in tables.values() for ratio in sizes}
    nearest = min(sorted(ratios), key=lambda ratio: _stretch(_aspect(ratio), aspect))
    if _stretch(_aspect(nearest), aspect) > STRETCH_MAX:
        return None
    with_ratio = {name: sizes for name, sizes in tables.items() if nearest in sizes}
    areas = {name: math.prod(sizes[nearest]) for name, sizes in with_ratio.items()}
    return _least_of(areas, width_px * height_px), nearest


def _nearest_area(frame_px: Mapping[str, Mapping[str, tuple[int, int]]], area_px: int) -> str:
    areas = {name: max(map(math.prod, sizes.values())) for name, sizes in frame_px.items()}
    return _least_of(areas, area_px)


def _least_of(areas_px: Mapping[str, int], asked_px: int) -> str:
    """The smallest that is not smaller than what was asked for, else the largest."""
    enough = {name: area for name, area in areas_px.items() if area >= asked_px}
    if enough:
        return min(enough, key=enough.__getitem__)
    return max(areas_px, key=areas_px.__getitem__)


def _aspect(ratio: str) -> float:
    wide, _, high = ratio.partition(":")
    return int(wide) / int(high)


def _stretch(a: float, b: float) -> float:
    return max(a, b) / min(a, b)


def _side(value: object) -> str:
    number = _number(value)
    return "?" if number is None else f"{number:g}"


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 10**6 else None
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        return float(value)
    return None
