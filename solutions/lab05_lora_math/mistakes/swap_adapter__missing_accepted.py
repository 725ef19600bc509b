"""You accept an adapter that lacks some layers, so two adapters end up mixed in one model. Raise
ValueError when a layer of the model is missing from the adapter."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    layers = {
        path: module
        for path, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "lora_B")
    }
    for path, (new_a, new_b) in adapter.items():
        if path not in layers:
            raise ValueError(f"the model has no layer {path!r}")
        if new_a.shape != layers[path].lora_A.shape or new_b.shape != layers[path].lora_B.shape:
            raise ValueError(f"the shapes at {path} do not fit")
    previous = {}
    with torch.no_grad():
        for path, (new_a, new_b) in adapter.items():
            module = layers[path]
            previous[path] = (module.lora_A.detach().clone(), module.lora_B.detach().clone())
            module.lora_A.copy_(new_a)
            module.lora_B.copy_(new_b)
    return previous
