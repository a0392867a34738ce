"""A model: its public name, the rules of its fields, its frame sizes and its price. It makes
nothing.

The rules are data (catalogue/*.toml); here is the code that applies them. The order of the work:

    fields → each against its FieldRule → rules that span fields → Generation, or InvalidFields with
    every broken rule
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import FieldRule, shown
from filmgate.domain.generation import Generation

FIELD_NAME_CHARS_MAX = 60
UNKNOWN_TOLD_MAX = 10
DEFAULT_SIZE = "16:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the catalogue."""

    id: str
    title: str
    category: str
    created: int
    capabilities: tuple[str, ...]
    fps: int
    fields: Mapping[str, FieldRule]
    frame_px: Mapping[str, Mapping[str, tuple[int, int]]]
    price_micro_usd_per_s: Mapping[str, int]
    image_ratio_tolerance: float
    image_aspect_max: float

    def accept(
        self,
        body: Mapping[str, object],
        *,
        draw_seed: Callable[[], int],
        also_broken: Iterable[BrokenRule] = (),
    ) -> Generation:
        """Return what the body asks for. Raises InvalidFields with all rules it breaks, those among
        them that were found elsewhere: one a field.

        `body` is the request's object without or with `model`.
        """
        given = {name: value for name, value in body.items() if name != "model"}
        if given.get("image_urls") == []:
            del given["image_urls"]
        broken = [*self._unknown(given), *self._single(given)]
        broken_names = {rule.param for rule in broken}
        others = (*self._spanning(given), *also_broken)
        broken += [rule for rule in others if rule.param not in broken_names]
        if broken:
            raise InvalidFields(broken)
        value = {name: given.get(name, rule.default) for name, rule in self.fields.items()}
        images = cast("list[str] | None", value["image_urls"])
        return Generation(
            model=self.id,
            prompt=_text(value["prompt"]),
            negative_prompt=_text(value["negative_prompt"]),
            resolution=_text(value["resolution"]),
            size=None if images else _text(value["size"]) or DEFAULT_SIZE,
            duration_s=cast("int", value["duration"]),
            seed=draw_seed() if value["seed"] is None else cast("int", value["seed"]),
            may_rewrite_prompt=bool(value["prompt_extend"]),
            has_watermark=bool(value["watermark"]),
            image=images[0] if images else None,
            audio=cast("str | None", value["audio_url"]),
            language=_text(value["language"]),
            webhook=cast("str | None", value["webhook"]),
        )

    def price_micro_usd(self, generation: Generation) -> int:
        """What one such film costs."""
        return self.price_micro_usd_per_s[generation.resolution] * generation.duration_s

    def frame_size_px(self, generation: Generation) -> tuple[int, int]:
        """Width and height of a text-to-video film."""
        return self.frame_px[generation.resolution][generation.size or DEFAULT_SIZE]

    def frame_size_for_picture_px(
        self, resolution: str, picture_width_px: int, picture_height_px: int
    ) -> tuple[int, int]:
        """Width and height of an image-to-video film (contract, section 1, image-to-video).

        Within the tolerance of a listed ratio: that ratio's size. Else the area of 16:9 in the
        picture's aspect, both sides even, the aspect clamped.
        """
        aspect = picture_width_px / picture_height_px
        sizes = self.frame_px[resolution]
        near = min(sizes.values(), key=lambda px: abs(aspect / (px[0] / px[1]) - 1))
        if abs(aspect / (near[0] / near[1]) - 1) <= self.image_ratio_tolerance:
            return near
        clamped = min(max(aspect, 1 / self.image_aspect_max), self.image_aspect_max)
        wide = sizes[DEFAULT_SIZE]
        area = wide[0] * wide[1]
        height = round((area / clamped) ** 0.5 / 2) * 2
        width = round(area / height / 2) * 2
        return width, height

    def _unknown(self, given: Mapping[str, object]) -> list[BrokenRule]:
        broken: list[BrokenRule] = []
        unknown = [name for name in given if name not in self.fields]
        for name in unknown[:UNKNOWN_TOLD_MAX]:
            said = name[:FIELD_NAME_CHARS_MAX]
            meant = self._meant_by(said)
            known = f"did you mean {meant}?" if meant else f"known are {', '.join(self.fields)}"
            broken.append(BrokenRule(said, f"{shown(said)} is not a field of {self.id}; {known}"))
        return broken

    def _meant_by(self, said: str) -> str | None:
        for name, rule in self.fields.items():
            if said in rule.also_called:
                return name
        near = difflib.get_close_matches(said, self.fields, n=1, cutoff=0.5)
        return near[0] if near else None

    def _single(self, given: Mapping[str, object]) -> list[BrokenRule]:
        broken: list[BrokenRule] = []
        for name, rule in self.fields.items():
            if name in given:
                message = rule.broken_by(given[name])
                if message:
                    broken.append(BrokenRule(name, message))
        return broken

    def _spanning(self, given: Mapping[str, object]) -> list[BrokenRule]:
        broken: list[BrokenRule] = []
        prompt = given.get("prompt")
        if "image_urls" in given:
            if "size" in given:
                message = (
                    "size must not be given with image_urls: the picture sets the aspect ratio, "
                    f"got {shown(given['size'])}"
                )
                broken.append(BrokenRule("size", message))
            return broken
        if prompt is None:
            message = "prompt is required without image_urls, got none"
            broken.append(BrokenRule("prompt", message))
        elif isinstance(prompt, str) and not prompt.strip():
            message = f"prompt must not be blank without image_urls, got {shown(prompt)}"
            broken.append(BrokenRule("prompt", message))
        broken += self._size_of_resolution(given)
        return broken

    def _size_of_resolution(self, given: Mapping[str, object]) -> list[BrokenRule]:
        resolution = given.get("resolution", self.fields["resolution"].default)
        size = given.get("size", DEFAULT_SIZE)
        sizes = self.frame_px.get(resolution) if isinstance(resolution, str) else None
        if sizes is None or size in sizes:
            return []
        message = f"size must be {', '.join(sizes)} at {resolution}, got {shown(size)}"
        return [BrokenRule("size", message)]


def model_from(data: Mapping[str, Any], *, rules: Mapping[str, FieldRule]) -> Model:
    """Make a model from a catalogue file's tables."""
    return Model(
        id=data["id"],
        title=data["title"],
        category=data["category"],
        created=data["created"],
        capabilities=tuple(data["capabilities"]),
        fps=data["fps"],
        fields=rules,
        frame_px={
            resolution: {size: (px[0], px[1]) for size, px in sizes.items()}
            for resolution, sizes in data["frame_px"].items()
        },
        price_micro_usd_per_s=dict(data["price_micro_usd_per_s"]),
        image_ratio_tolerance=data["image_ratio_tolerance"],
        image_aspect_max=data["image_aspect_max"],
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
