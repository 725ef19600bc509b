"""Exchanges the .data of each parameter with the adapter's tensor."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    held = {
        path: (module.lora_A, module.lora_B)
        for path, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "lora_B")
    }
    if held.keys() != adapter.keys():
        raise ValueError("missing or unknown layers")
    for path, parameters in held.items():
        if any(p.shape != n.shape for p, n in zip(parameters, adapter[path], strict=True)):
            raise ValueError(f"wrong shape at {path}")
    old = {}
    for path, parameters in held.items():
        old[path] = tuple(parameter.data.clone() for parameter in parameters)
        for parameter, new in zip(parameters, adapter[path], strict=True):
            parameter.data = new.data.type_as(parameter)
    return old
