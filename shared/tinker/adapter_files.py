"""What the cookbook's converter leaves open about a PEFT adapter on disk.

It says where the base model lay instead of what it is called, it does not check that the sizes
agree, and for models whose output layer shares its weights with the embedding it names the
embedding, which PEFT then ignores without an error. Each is put right here, on the files.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.tinker.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_EMBEDDING, _OUTPUT = "model.embed_tokens", "lm_head"


def _config(adapter: Path) -> dict[str, Any]:
    return json.loads((adapter / CONFIG).read_text("utf-8"))


def _save_config(adapter: Path, config: dict[str, Any]) -> None:
    (adapter / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def say_base_model(adapter: Path, name: str) -> None:
    """Write the base model's name, not this machine's path, into the adapter's configuration."""
    _save_config(adapter, _config(adapter) | {"base_model_name_or_path": name})


def untie(adapter: Path) -> None:
    """Name the output layer where the converter named the embedding that shares its weights.

    Tinker trains the output layer (`unembed`), never the embedding, so an adapter of the embedding
    is always such a case. PEFT applies one on `lm_head` to the output alone, as in training.
    """
    from safetensors.torch import load_file, save_file

    tensors: dict[str, Tensor] = load_file(adapter / WEIGHTS)
    old, new = f"{_PREFIX}{_EMBEDDING}.lora_", f"{_PREFIX}{_OUTPUT}.lora_"
    if not any(key.startswith(old) for key in tensors):
        return
    save_file({key.replace(old, new): value for key, value in tensors.items()}, adapter / WEIGHTS)
    config = _config(adapter)
    targets = {_OUTPUT if name == "embed_tokens" else name for name in config["target_modules"]}
    _save_config(adapter, config | {"target_modules": sorted(targets)})


def check_fit(adapter: Path, base: Path, base_model: str) -> None:
    """Compare every adapted layer's sizes with the base model's, and look for NaN and infinity.

    Layers that the base model stores under another name (fused experts, say) are left out.

    Raises:
        CheckpointError: a size differs, nothing could be compared, or a value is not finite.
    """
    from safetensors.torch import load_file

    shapes = _shapes(base)
    tensors: dict[str, Tensor] = load_file(adapter / WEIGHTS)
    compared = 0
    for key, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{key} of the checkpoint has values that are not finite.")
        module, _, matrix = key.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".lora_")
        shape = shapes.get(f"{module}.weight")
        if shape is None and module == _OUTPUT:
            shape = shapes.get(f"{_EMBEDDING}.weight")
        if shape is None or len(shape) != 2:
            continue
        compared += 1
        # A is (rank, in), B is (out, rank); the weight is (out, in).
        found, expected = (
            (tensor.shape[1], shape[1]) if matrix == "A" else (tensor.shape[0], shape[0])
        )
        if found != expected:
            raise CheckpointError(
                f"The checkpoint does not fit {base_model}: {key} is {tuple(tensor.shape)}, the "
                f"layer is {shape}. It was trained on another model; pass that one's name."
            )
    if not compared:
        raise CheckpointError(f"The checkpoint adapts no layer that {base_model} has.")


def _shapes(base: Path) -> dict[str, tuple[int, ...]]:
    """Name to shape of every tensor of a model folder, from the files' headers alone."""
    from safetensors import safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for key in opened.keys():  # noqa: SIM118 (no mapping: it has no iterator)
                shapes[key] = tuple(opened.get_slice(key).get_shape())
    return {key: shape for key, shape in shapes.items() if math.prod(shape)}
