"""Tells whether two folders of weights read prompts alike, without reading gigabytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from filmgate.engines.neural.weights import read_json

SAMPLE_BYTES = 2**20
WEIGHTS = (".safetensors", ".bin")
UNIMPORTANT = ("_name_or_path", "transformers_version")


def text_identity(engine: str, folder: Path) -> str:
    """Return a hash of how an engine's weights read prompts: of the encoder's configuration, of the
    size, beginning and end of each of its files, and of the tokenizer.
    """
    encoder, told = folder / "text_encoder", hashlib.sha256(engine.encode())
    config = read_json(encoder / "config.json")
    kept = {name: value for name, value in config.items() if name not in UNIMPORTANT}
    told.update(json.dumps(kept, sort_keys=True).encode())
    for file in sorted(path for path in encoder.glob("*") if path.suffix in WEIGHTS):
        size_bytes = file.stat().st_size
        told.update(str(size_bytes).encode())
        with file.open("rb") as opened:
            told.update(opened.read(SAMPLE_BYTES))
            opened.seek(max(0, size_bytes - SAMPLE_BYTES))
            told.update(opened.read(SAMPLE_BYTES))
    for file in sorted((folder / "tokenizer").glob("*.*")):
        told.update(file.name.encode())
        told.update(file.read_bytes())
    return told.hexdigest()
