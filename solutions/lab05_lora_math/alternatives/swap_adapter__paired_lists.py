"""Two flat lists, parameters and their new values; shapes are compared pair by pair."""

from collections.abc import Mapping

import torch
from torch import nn


@torch.no_grad()
def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    modules = dict(model.named_modules())
    paths = [p for p, m in modules.items() if hasattr(m, "lora_A") and hasattr(m, "lora_B")]
    if sorted(paths) != sorted(adapter):
        raise ValueError("missing or unknown layers")
    parameters = [p for path in paths for p in (modules[path].lora_A, modules[path].lora_B)]
    values = [matrix for path in paths for matrix in adapter[path]]
    if any(p.shape != v.shape for p, v in zip(parameters, values, strict=True)):
        raise ValueError("a shape does not fit")
    copies = iter([p.data.clone() for p in parameters])
    fresh = [value.data.clone() for value in values]
    for parameter, value in zip(parameters, fresh, strict=True):
        parameter.data[...] = value
    return {path: (next(copies), next(copies)) for path in paths}
