"""Load a base model once: frozen, in evaluation mode, with its tokenizer.

Any directory or hub name that holds a Qwen3 or Llama checkpoint will do. float32 on a CPU, because
bfloat16 is slower there; bfloat16 on a GPU. `read_config` answers what the catalogue needs without
torch. Leaves out: quantised weights, models spread over devices.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from shared.tinker.errors import NotFoundError, UnsupportedError, UserError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from shared.tinker.service.catalogue import ModelSource

ARCHITECTURES = ("qwen3", "llama")
"""`model_type`s whose layer names and archives this service knows."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What config.json says that matters here. `tied`: lm_head shares the embedding's matrix."""

    model_type: str
    vocab_size: int
    max_context: int
    tied: bool


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """A loaded model. `model` is frozen and shared: whoever changes it changes every user of it."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    eos_ids: tuple[int, ...]
    """Tokens that end a text: the generation config's and the tokenizer's."""
    max_context: int
    vocab_size: int
    tied: bool


def read_config(source: ModelSource) -> ModelConfig:
    """Read a source's config.json, from its directory, the hub's cache or the hub.

    Raises:
        NotFoundError: there is none. UnsupportedError: the architecture is not known here.
    """
    path = _config_file(source)
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config = ModelConfig(
            model_type=str(raw["model_type"]),
            vocab_size=int(raw["vocab_size"]),
            max_context=int(raw["max_position_embeddings"]),
            tied=bool(raw.get("tie_word_embeddings", False)),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"The config.json of {source.name!r} ({source.location}) cannot be used: {error!r}. "
            "Give a folder written by transformers' save_pretrained, or a model's name on the hub."
        ) from error
    if config.model_type not in ARCHITECTURES:
        raise UnsupportedError(
            f"{source.name!r} is a {config.model_type!r} model; this service knows "
            f"{' and '.join(ARCHITECTURES)}. Serve one of these."
        )
    return config


def _config_file(source: ModelSource) -> Path:
    folder = Path(source.location)
    if folder.is_dir():
        path = folder / "config.json"
        if path.is_file():
            return path
        raise NotFoundError(
            f"{folder} holds no config.json, so {source.name!r} is no model folder."
        )
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(source.location, "config.json"))
    except (OSError, ValueError) as error:
        raise NotFoundError(
            f"{source.location!r} is neither a folder here nor a model the hub or its cache gives: "
            f"{str(error).splitlines()[0]} Check the name, or download the model first."
        ) from error


def pick_device(device: str) -> torch.device:
    """`auto` is the GPU when torch sees one. Raises UserError for a device that is not there."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda was asked for, but torch sees no GPU. Use auto or cpu.")
    if device not in ("cpu", "cuda"):
        raise UserError(f"--device {device!r} is unknown. Use auto, cpu or cuda.")
    return torch.device(device)


def load_base(source: ModelSource, device: str = "auto") -> BaseModel:
    """Load weights and tokenizer. Takes seconds, and imports torch and transformers.

    Raises:
        NotFoundError, UnsupportedError: as `read_config`. UserError: the weights cannot be read.
    """
    config = read_config(source)
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    where = pick_device(device)
    dtype = torch.float32 if where.type == "cpu" else torch.bfloat16
    try:
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(source.location)
        model, found = cast(Any, AutoModelForCausalLM).from_pretrained(
            source.location, dtype=dtype, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unloadable(source, str(error).splitlines()[0]) from error
    if found["missing_keys"]:
        # transformers would go on with random numbers in their place.
        raise _unloadable(source, f"there is no {sorted(found['missing_keys'])[0]} in its weights.")
    model = model.to(where).eval().requires_grad_(False)
    return BaseModel(
        name=source.name,
        model=model,
        tokenizer=tokenizer,
        device=where,
        dtype=dtype,
        eos_ids=_eos_ids(model, tokenizer),
        max_context=config.max_context,
        vocab_size=config.vocab_size,
        tied=config.tied,
    )


def _unloadable(source: ModelSource, reason: str) -> UserError:
    return UserError(
        f"{source.name!r} cannot be loaded from {source.location}: {reason} "
        "Download the model again, or serve another."
    )


def _eos_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    ids: list[int] = []
    for value in (
        getattr(model.generation_config, "eos_token_id", None),
        model.config.eos_token_id,
        tokenizer.eos_token_id,
    ):
        ids.extend(value if isinstance(value, list) else [] if value is None else [value])
    return tuple(dict.fromkeys(int(i) for i in ids))
