"""You check the shapes while you copy, so a bad one late in the model leaves the earlier layers
swapped. Check every layer first, then copy."""

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
    if set(layers) != set(adapter):
        raise ValueError("the adapter does not have the model's layers")
    previous = {}
    with torch.no_grad():
        for path, module in layers.items():
            new_a, new_b = adapter[path]
            if new_a.shape != module.lora_A.shape or new_b.shape != module.lora_B.shape:
                raise ValueError(f"the shapes at {path} do not fit")
            previous[path] = (module.lora_A.detach().clone(), module.lora_B.detach().clone())
            module.lora_A.copy_(new_a)
            module.lora_B.copy_(new_b)
    return previous
