"""You point the parameters at the adapter's own tensors, so training would overwrite the adapter
you were handed. Copy its values instead."""

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
    for path, module in layers.items():
        previous[path] = (module.lora_A.detach().clone(), module.lora_B.detach().clone())
        module.lora_A.data = adapter[path][0].detach().to(module.lora_A.dtype)
        module.lora_B.data = adapter[path][1].detach().to(module.lora_B.dtype)
    return previous
