"""A LoRA model on disk, in the format of hosted Tinker's archives, and back.

A folder holds adapter_config.json (rank, alpha, base model), adapter_model.safetensors (A and B by
hosted names; the output layer is called `unembed_tokens`) and, in training checkpoints,
optimizer.safetensors. Nothing is pickled. Atomic folders and checksums are `checkpoints`' work;
gathered gradients are not saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from shared.tinker.errors import CheckpointError, UserError
from shared.tinker.service.lora import ATTENTION, MLP, UNEMBED, Adapter
from shared.tinker.service.training import OptimizerState
from shared.tinker.service.types import ALPHA, LoraSpec

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
OPTIMIZER = "optimizer.safetensors"
_PREFIX = "base_model.model."
_HOSTED_UNEMBED = "model.unembed_tokens"


def save_archive(
    folder: Path, base_model: str, adapter: Adapter, optimizer: OptimizerState | None
) -> None:
    """Write the files of a checkpoint into the existing `folder`.

    Raises:
        CheckpointError: a file cannot be written (a full disk, say).
    """
    try:
        config = json.dumps(_config(base_model, adapter.spec), indent=2) + "\n"
        (folder / CONFIG).write_text(config, encoding="utf-8")
        save_file(_on_disk(adapter.weights), folder / WEIGHTS)
        if optimizer is not None:
            save_file(_optimizer_tensors(adapter, optimizer), folder / OPTIMIZER)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The checkpoint cannot be written to {folder}: {error} "
            "Make room on the disk, then save again."
        ) from error


def _config(base_model: str, spec: LoraSpec) -> dict[str, Any]:
    modules = (
        *ATTENTION * spec.train_attn,
        *MLP * spec.train_mlp,
        *(UNEMBED,) * spec.train_unembed,
    )
    return {
        "base_model_name_or_path": base_model,
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": spec.rank,
        "lora_alpha": ALPHA,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(modules),
        "seed": spec.seed,
    }


def _key(path: str, matrix: str) -> str:
    hosted = _HOSTED_UNEMBED if path == UNEMBED else path
    return f"{_PREFIX}{hosted}.lora_{matrix}.weight"


def _on_disk(weights: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    return {
        _key(path, matrix): tensor.detach().cpu().contiguous()
        for path, pair in weights.items()
        for matrix, tensor in zip("AB", pair, strict=True)
    }


def _optimizer_tensors(adapter: Adapter, optimizer: OptimizerState) -> dict[str, Tensor]:
    tensors = {"step": torch.tensor([optimizer.step])}
    keys = [_key(path, matrix) for path in adapter.weights for matrix in "AB"]
    for key, first, second in zip(keys, optimizer.first, optimizer.second, strict=True):
        tensors[f"{key}.exp_avg"] = first.detach().cpu().contiguous()
        tensors[f"{key}.exp_avg_sq"] = second.detach().cpu().contiguous()
    return tensors


def read_spec(folder: Path) -> tuple[str, LoraSpec]:
    """Base model's name and adapter spec of a checkpoint, checked against the tensors' shapes.

    What is trained is read from the tensors' names, so an archive made by hosted Tinker reads too.

    Raises:
        CheckpointError: a file is missing, cut off or contradicts another.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        base_model, rank = str(config["base_model_name_or_path"]), int(config["r"])
        alpha, seed = config["lora_alpha"], config.get("seed")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, CONFIG, error) from error
    if alpha != ALPHA:
        raise CheckpointError(f"{folder / CONFIG} says lora_alpha {alpha}; Tinker's is {ALPHA}.")
    shapes = _shapes(folder / WEIGHTS)
    for key, shape in shapes.items():
        found = shape[0] if ".lora_A." in key else shape[-1]
        if len(shape) != 2 or found != rank:
            raise CheckpointError(
                f"{folder / WEIGHTS} holds {key} of shape {shape}, which is not of rank {rank}. "
                "Take another checkpoint."
            )
    layers = {key.removeprefix(_PREFIX).rpartition(".lora_")[0] for key in shapes}
    leaves = {layer.rpartition(".")[2] for layer in layers}
    return base_model, LoraSpec(
        rank=rank,
        seed=seed if isinstance(seed, int) else None,
        train_attn=not leaves.isdisjoint(ATTENTION),
        train_mlp=not leaves.isdisjoint(MLP),
        train_unembed="unembed_tokens" in leaves,
    )


def load_adapter(
    folder: Path, spec: LoraSpec, shapes: Mapping[str, tuple[int, int]], device: torch.device
) -> Adapter:
    """Read a checkpoint's adapter onto `device`, float32.

    Args:
        folder: the checkpoint.
        spec: what `read_spec` said of it.
        shapes: (out, in) of every layer it must have, as `lora.target_shapes` gives them.
        device: where the weights go.

    Raises:
        CheckpointError: a tensor is missing, left over, of another shape or not finite.
    """
    tensors = _read(folder / WEIGHTS)
    weights: dict[str, tuple[Tensor, Tensor]] = {}
    for path, (rows, columns) in shapes.items():
        a = _take(tensors, _key(path, "A"), (spec.rank, columns), folder / WEIGHTS)
        b = _take(tensors, _key(path, "B"), (rows, spec.rank), folder / WEIGHTS)
        weights[path] = (a.to(device), b.to(device))
    _nothing_left(tensors, folder / WEIGHTS)
    return Adapter(spec=spec, weights=weights)


def load_optimizer(folder: Path, adapter: Adapter) -> OptimizerState:
    """Read the optimizer's state that belongs to `adapter`.

    Raises:
        UserError: the checkpoint has none, as sampler weights do. CheckpointError: it is damaged.
    """
    path = folder / OPTIMIZER
    if not path.is_file():
        raise UserError(
            f"{folder.name} holds no optimizer state: it was saved for sampling. Load it without "
            "the optimizer, or load one that save_state wrote."
        )
    tensors = _read(path)
    step = int(_take(tensors, "step", (1,), path))
    first: list[Tensor] = []
    second: list[Tensor] = []
    for module, pair in adapter.weights.items():
        for matrix, tensor in zip("AB", pair, strict=True):
            key, shape = _key(module, matrix), tuple(tensor.shape)
            first.append(_take(tensors, f"{key}.exp_avg", shape, path))
            second.append(_take(tensors, f"{key}.exp_avg_sq", shape, path))
    _nothing_left(tensors, path)
    return OptimizerState(step=step, first=first, second=second)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _damaged(path.parent, path.name, error) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise _damaged(path.parent, path.name, error) from error


def _take(tensors: dict[str, Tensor], key: str, shape: tuple[int, ...], path: Path) -> Tensor:
    tensor = tensors.pop(key, None)
    if tensor is None or tuple(tensor.shape) != shape:
        came = "nothing" if tensor is None else f"shape {tuple(tensor.shape)}"
        raise CheckpointError(
            f"{path} holds {came} for {key}; expected shape {shape}. It was saved from another "
            "model, or with other LoRA settings."
        )
    if not bool(tensor.isfinite().all()):
        raise CheckpointError(f"{path}: {key} is not finite. Take an earlier checkpoint.")
    return tensor if key == "step" else tensor.float()


def _nothing_left(tensors: Mapping[str, Tensor], path: Path) -> None:
    if tensors:
        raise CheckpointError(
            f"{path} holds {len(tensors)} tensors the model has no place for, such as "
            f"{next(iter(tensors))}. It was saved from another model."
        )


def _damaged(folder: Path, name: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{folder / name} is missing or damaged ({error}). Take another checkpoint."
    )
