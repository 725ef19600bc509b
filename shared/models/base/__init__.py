"""The kit's own base model: a tiny Qwen3 with its tokenizer, weights and the corpus behind them.

`folder()` is a model directory as transformers reads it. What the model can and cannot do stands,
measured, in MODEL_CARD.md. Importing this package loads neither torch nor the weights.
"""

from __future__ import annotations

from pathlib import Path

NAME = "labkit/tiny"
"""What services and labs call the model."""
PACKAGE = Path(__file__).parent
"""Where the card, its figures and the recorded loss curve stand."""


def folder() -> Path:
    """The directory that holds config.json, model.safetensors and the tokenizer's files."""
    return PACKAGE / "tiny"
