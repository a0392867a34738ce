"""Pipelines in memory: one model in its two modes, and the shelf that holds the latest few."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from typing import Any

import structlog

from filmgate.engines.neural.latent_view import LatentView
from filmgate.engines.neural.levers import Levers, Offload, take_over
from filmgate.engines.neural.library import library
from filmgate.engines.neural.profile import Profile
from filmgate.engines.neural.prompt_reader import PromptReader, words

log = structlog.get_logger()


class Mode(StrEnum):
    """What a film starts from."""

    TEXT = "text"
    IMAGE = "image"


class Model:
    """One model's parts, and the pipelines that use them: both modes may share them."""

    def __init__(
        self,
        modes: Mapping[Mode, Any],
        *,
        profile: Profile,
        levers: Levers,
        view: LatentView,
        reader: PromptReader,
        beside: Any = None,
    ) -> None:
        self._modes = dict(modes)
        self.beside: Any = beside
        """What the family keeps beside the pipelines; it leaves with them."""
        self.profile = profile
        self.levers = levers
        self.view = view
        self._reader = reader
        self._latest: Any = next(iter(self._modes.values()))

    def has(self, mode: Mode) -> bool:
        """Whether these weights make films of that kind."""
        return mode in self._modes

    def pipeline(self, mode: Mode) -> Any:
        """Return the pipeline for a mode, with the parts at its command."""
        pipeline = self._modes[mode]
        if pipeline is not self._latest and self.levers.offload in {
            Offload.MODEL,
            Offload.SEQUENTIAL,
        }:
            self._latest.remove_all_hooks()
            take_over(pipeline, self.levers)
        self._latest = pipeline
        return pipeline

    def words(self, pipeline: Any, prompt: str, negative_prompt: str) -> dict[str, Any]:
        """Return two prompts as the call of one of these pipelines takes them, read already.

        The negative one only where guidance leads away from it. Raises EngineFailed.
        """
        return words(
            self._reader,
            pipeline,
            prompt=prompt,
            negative_prompt=negative_prompt if self.profile.has_guidance else None,
            call=self.profile.call,
        )

    def close(self) -> None:
        """Let go of all parts."""
        self._modes.clear()
        self._latest = self.beside = None


class Shelf:
    """The models in memory, the latest used last. A new one makes the oldest leave."""

    def __init__(self) -> None:
        self._models: OrderedDict[Hashable, Model] = OrderedDict()

    def get(self, key: Hashable, load: Callable[[], Model], *, most: int) -> Model:
        """Return the model of that key; loaded, after others have left, if it is not here."""
        if key not in self._models:
            while len(self._models) >= most:
                _, oldest = self._models.popitem(last=False)
                log.info("model.evicted", model=oldest.profile.name)
                oldest.close()
                del oldest
            free_memory()
            self._models[key] = load()
        self._models.move_to_end(key)
        return self._models[key]

    def drop(self, key: Hashable) -> None:
        """Make a model leave, if it is here."""
        model = self._models.pop(key, None)
        if model is not None:
            model.close()

    def clear(self) -> None:
        """Make all leave."""
        for key in list(self._models):
            self.drop(key)

    def keys(self) -> tuple[Hashable, ...]:
        """Return what those in memory are called."""
        return tuple(self._models)

    def models(self) -> tuple[Model, ...]:
        """Return those in memory, the latest used last."""
        return tuple(self._models.values())


SHELF = Shelf()
"""One for all engines of a process: they share its memory."""


def free_memory() -> None:
    """Give back what nobody uses."""
    gc.collect()
    torch = library("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
