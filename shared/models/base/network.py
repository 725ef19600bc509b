"""The shape of the base model, and its directory on disk.

An untied Qwen3: the input embedding and the output layer are two matrices, as exporters of
adapters expect. Weights are stored in float32, so that a merged export loses nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM

from shared.models.base import tokenizer

VOCABULARY = 704
"""Rows of the embedding: the tokenizer's ids, rounded up to a multiple of 64."""
STOPS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>")
"""Tokens that end an answer in one of the chat formats."""


def config() -> Qwen3Config:
    """Hidden 128, 4 layers, 4 heads over 2 key-value heads of 32, feed-forward 384."""
    ids = tokenizer.build()
    fields: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": tokenizer.MAX_LENGTH,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "tie_word_embeddings": False,
        "attention_bias": False,
        "bos_token_id": None,
        "eos_token_id": ids.token_to_id("<|im_end|>"),
        "pad_token_id": ids.token_to_id("<|endoftext|>"),
        "dtype": "float32",
    }
    return Qwen3Config(**fields)


def new_model(seed: int) -> Qwen3ForCausalLM:
    """An untrained model in float32, the same for the same seed on every machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Qwen3ForCausalLM(config()).float()


def export(model: Qwen3ForCausalLM, folder: Path) -> None:
    """Write a model directory. Each file is replaced whole; weights come last."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.write(folder)
    config().save_pretrained(folder)
    ids = tokenizer.build()
    generation = {
        "bos_token_id": None,
        "eos_token_id": [ids.token_to_id(stop) for stop in STOPS],
        "pad_token_id": ids.token_to_id("<|endoftext|>"),
    }
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    weights = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    partial = folder / "model.safetensors.part"
    save_file(weights, str(partial), metadata={"format": "pt"})
    partial.chmod(0o644)
    os.replace(partial, folder / "model.safetensors")
