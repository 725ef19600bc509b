"""You return the old matrices without a copy. They share memory with the parameters, so after the
swap they hold the new values: clone them before you write."""

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
    for path, module in layers.items():
        new_a, new_b = adapter[path]
        if new_a.shape != module.lora_A.shape or new_b.shape != module.lora_B.shape:
            raise ValueError(f"the shapes at {path} do not fit")
    previous = {}
    with torch.no_grad():
        for path, module in layers.items():
            previous[path] = (module.lora_A.detach(), module.lora_B.detach())
            module.lora_A.copy_(adapter[path][0])
            module.lora_B.copy_(adapter[path][1])
    return previous
