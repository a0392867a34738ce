"""How LTX-2's transformer is shared out among several GPUs: the long video is, the short sound and
the prompts are every rank's whole.

diffusers 0.42 has a plan of its own for LTX-2, which is LTX's and fails with it.
"""

from __future__ import annotations

from typing import Any

from filmgate.engines.neural.library import library

ALONE = ("attn2", "audio_attn1", "audio_attn2", "audio_to_video_attn")
"""Attention of each block that sees nothing of the other ranks' video."""


def share_video(transformer: Any, config: Any) -> None:
    """Let a transformer share the tokens of the video among the ranks."""
    transformer.enable_parallelism(config=config, cp_plan=_plan(transformer.config.rope_type))
    for block in transformer.transformer_blocks:
        for name in ALONE:
            getattr(block, name).processor._parallel_config = None


def _plan(rope_type: str) -> dict[str, Any]:
    parallel = library("diffusers.models._modeling_parallel")
    # Positions are [batch, tokens, channels], or [batch, heads, tokens, channels].
    axis = 2 if rope_type == "split" else 1
    tokens = parallel.ContextParallelInput(split_dim=1, expected_dims=3)
    steps = parallel.ContextParallelInput(split_dim=1, expected_dims=2)
    positions = parallel.ContextParallelInput(
        split_dim=axis, expected_dims=axis + 2, split_output=True
    )
    return {
        "": {"hidden_states": tokens, "timestep": steps},
        "rope": {0: positions, 1: positions},
        "cross_attn_rope": {0: positions, 1: positions},
        "proj_out": parallel.ContextParallelOutput(gather_dim=1, expected_dims=3),
    }
