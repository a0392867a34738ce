"""From the body of DashScope's video-synthesis to this server's own fields. The model's rules are
applied later, by the verb.

    model wan2.5-t2v-preview, wan2.5-i2v-preview  → wan2.5-preview, without and with a picture
    input.prompt, input.negative_prompt           → cut at the model's limit, never refused for it
    input.img_url                                 → image_urls
    parameters.size 1280*720                      → resolution and size; text-to-video only
    parameters.resolution 720P                    → resolution; image-to-video only
    duration, seed, prompt_extend, watermark, audio, audio_url → as they are

Any other name is refused: what is not read is not paid for. The package itself always sends
`input.extend_prompt` and `input.function`; the first is prompt_extend's older name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.model import FIELD_NAME_CHARS_MAX, UNKNOWN_TOLD_MAX, Model

Fields = Mapping[str, object]
Mode = Literal["t2v", "i2v"]

SIZE_DEFAULT = "1920*1080"
RESOLUTION_DEFAULT = "1080P"
"""What that API takes where nothing is said."""
INPUTS = ("prompt", "negative_prompt", "img_url", "audio_url")
IGNORED = ("extend_prompt", "function")
PARAMETERS = ("size", "resolution", "duration", "prompt_extend", "watermark", "seed", "audio")
_BODY = ("model", "input", "parameters")
_NAME = re.compile(r"(.+?)-(t2v|i2v)(-.+)?")
_AS_THEY_ARE = ("audio_url", "duration", "prompt_extend", "watermark", "seed", "audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a model's name at this door stands for."""

    model: Model
    mode: Mode | None
    """None: the name is the model's own, so the picture decides."""


def model_meant(
    asked: object, *, models: Mapping[str, Model], aliases: Mapping[str, str]
) -> Meant | None:
    """Return what a name stands for, or None: wan2.5-t2v-preview is wan2.5-preview from text."""
    if not isinstance(asked, str):
        return None
    named = _NAME.fullmatch(asked)
    mode = cast("Mode", named[2]) if named else None
    without_mode = f"{named[1]}{named[3] or ''}" if named else ""
    for name in (asked, aliases.get(asked, ""), without_mode):
        if name in models:
            return Meant(model=models[name], mode=mode)
    return None


def model_name(model_id: str, mode: Mode) -> str:
    """Return a model's name at this door: wan2.5-preview is wan2.5-i2v-preview from a picture."""
    line, is_preview, _ = model_id.partition("-preview")
    return f"{line}-{mode}{is_preview}"


def own_fields(
    body: Fields, *, models: Mapping[str, Model], aliases: Mapping[str, str]
) -> dict[str, object]:
    """Return this server's fields. `oss://` URLs come back as they are.

    Raises InvalidFields with all rules that were broken here.
    """
    meant = model_meant(body.get("model"), models=models, aliases=aliases)
    if meant is None:
        raise _no_such_model(body.get("model"), models)
    broken: list[BrokenRule] = []
    _known("the body", body, _BODY, broken)
    given = _part(body, "input", INPUTS, broken)
    said = _part(body, "parameters", PARAMETERS, broken)
    if "prompt_extend" not in said and "extend_prompt" in given:
        said["prompt_extend"] = given["extend_prompt"]
    own: dict[str, object] = {"model": meant.model.id}
    for name in ("prompt", "negative_prompt"):
        if name in given:
            own[name] = _cut(given[name], meant.model.fields[name].chars_max)
    own |= {name: value for name in _AS_THEY_ARE if (value := (given | said).get(name)) is not None}
    is_from_picture = "img_url" in given
    if is_from_picture and not isinstance(given["img_url"], str):
        message = f"img_url must be a string with a URL, got {shown(given['img_url'])}"
        broken.append(BrokenRule("img_url", message))
    _check_mode(meant, is_from_picture, given.get("img_url"), broken)
    if is_from_picture:
        own["image_urls"] = [given["img_url"]]
        _put_resolution(said, own, meant.model, broken)
    elif meant.mode != "i2v":
        _put_size(said, own, meant.model, broken)
    if broken:
        raise InvalidFields(broken)
    return own


def _no_such_model(asked: object, models: Mapping[str, Model]) -> InvalidFields:
    known = ", ".join(model_name(id_, mode) for id_ in models for mode in ("t2v", "i2v"))
    got = "none" if asked is None else shown(asked)
    message = f"Model not exist: model must be one of {known}, got {got}"
    return InvalidFields([BrokenRule("model", message)])


def _part(
    body: Fields, place: str, known: tuple[str, ...], broken: list[BrokenRule]
) -> dict[str, object]:
    """An object within the body; what is null in it counts as absent."""
    part = body.get(place)
    if part is None:
        part = {}
    if not isinstance(part, dict):
        broken.append(BrokenRule(place, f"{place} must be an object, got {shown(part)}"))
        return {}
    fields = {k: v for k, v in cast("dict[str, object]", part).items() if v is not None}
    _known(place, fields, (*known, *IGNORED) if place == "input" else known, broken)
    return fields


def _known(place: str, fields: Fields, known: tuple[str, ...], broken: list[BrokenRule]) -> None:
    unknown = [name for name in fields if name not in known]
    for name in unknown[:UNKNOWN_TOLD_MAX]:
        shown_known = ", ".join(one for one in known if one not in IGNORED)
        message = f"{shown(name)} is not taken in {place}; known are {shown_known}"
        broken.append(BrokenRule(name[:FIELD_NAME_CHARS_MAX], message))


def _cut(value: object, chars_max: int | None) -> object:
    return value[:chars_max] if isinstance(value, str) else value


def _check_mode(
    meant: Meant, is_from_picture: bool, picture: object, broken: list[BrokenRule]
) -> None:
    if meant.mode == "i2v" and not is_from_picture:
        message = f"img_url is required by {model_name(meant.model.id, 'i2v')}, got none"
    elif meant.mode == "t2v" and is_from_picture:
        other = model_name(meant.model.id, "i2v")
        message = f"img_url is not taken by this model but by {other}, got {shown(picture)}"
    else:
        return
    broken.append(BrokenRule("img_url", message))


def _put_size(said: Fields, own: dict[str, object], model: Model, broken: list[BrokenRule]) -> None:
    sizes = {
        f"{width_px}*{height_px}": (resolution, ratio)
        for resolution, frames in model.frame_px.items()
        for ratio, (width_px, height_px) in frames.items()
    }
    if "resolution" in said:
        message = f"resolution is taken with img_url only; send size, such as {SIZE_DEFAULT}"
        broken.append(BrokenRule("resolution", f"{message}, got {shown(said['resolution'])}"))
    size = said.get("size", SIZE_DEFAULT)
    if isinstance(size, str) and size in sizes:
        own["resolution"], own["size"] = sizes[size]
    elif "size" in said:
        message = f"size must be one of {', '.join(sizes)}, got {shown(size)}"
        broken.append(BrokenRule("size", message))


def _put_resolution(
    said: Fields, own: dict[str, object], model: Model, broken: list[BrokenRule]
) -> None:
    if "size" in said:
        message = f"size is not taken with img_url; send resolution, such as {RESOLUTION_DEFAULT}"
        broken.append(BrokenRule("size", f"{message}, got {shown(said['size'])}"))
    asked = said.get("resolution", RESOLUTION_DEFAULT)
    name = asked.lower() if isinstance(asked, str) else ""
    if name in model.frame_px:
        own["resolution"] = name
    elif "resolution" in said:
        known = ", ".join(one.upper() for one in model.frame_px)
        message = f"resolution must be one of {known}, got {shown(asked)}"
        broken.append(BrokenRule("resolution", message))
