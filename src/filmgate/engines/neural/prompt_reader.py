"""Who reads prompts: the pipeline's own text encoder, or one that several workers share.

    prompt ──→ PromptReader ──→ prompt_embeds, and a mask where the model uses one
                 ├─ OwnReader      this pipeline's encoder, on the GPU or left on the CPU
                 └─ SharedReader   `filmgate text-encoder`, over a socket

Whoever reads, it is the pipeline's own `encode_prompt` that does it: equal prompts, equal bits.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

from filmgate.engines.neural.library import library

READ = ("prompt_embeds", "prompt_attention_mask")
"""What reading one text gives, as a pipeline's call names it; Wan has no mask."""


class PromptReader(Protocol):
    """Reads prompts for a pipeline."""

    def read(self, pipeline: Any, text: str, *, tokens_max: int) -> dict[str, Any]:
        """Return the tensors of READ on the pipeline's device: embeddings [1, tokens_max, width],
        mask [1, tokens_max]. Raises EngineFailed.
        """
        ...


class OwnReader:
    """See PromptReader. `on_cpu`: its encoder was left there."""

    def __init__(self, *, on_cpu: bool = False) -> None:
        self._on_cpu = on_cpu

    def read(self, pipeline: Any, text: str, *, tokens_max: int) -> dict[str, Any]:
        """See PromptReader."""
        there = pipeline._execution_device
        with library("torch").no_grad():
            read = pipeline.encode_prompt(
                text,
                do_classifier_free_guidance=False,  # one text at a time
                max_sequence_length=tokens_max,
                device="cpu" if self._on_cpu else there,
            )
        # After these come those of a negative prompt, or, where there is no mask, it alone: None.
        pairs = zip(READ, read, strict=False)
        return {name: tensor.to(there) for name, tensor in pairs if tensor is not None}


def words(
    reader: PromptReader,
    pipeline: Any,
    *,
    prompt: str,
    negative_prompt: str | None,
    call: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a pipeline's call takes for these prompts. None: nothing guides away from it.

    `call` has the call's other arguments. Raises EngineFailed.
    """
    # Not encode_prompt's own default, which differs from the call's.
    default = inspect.signature(type(pipeline).__call__).parameters["max_sequence_length"].default
    tokens_max = int(call.get("max_sequence_length", default))
    found = reader.read(pipeline, prompt, tokens_max=tokens_max)
    if negative_prompt is None:
        return found
    negative = reader.read(pipeline, negative_prompt, tokens_max=tokens_max)
    return found | {f"negative_{name}": tensor for name, tensor in negative.items()}
