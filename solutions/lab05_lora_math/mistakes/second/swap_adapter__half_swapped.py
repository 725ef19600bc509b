"""A helper swaps one layer, shape check included; the loop calls it layer by layer."""

from collections.abc import Mapping

import torch
from torch import nn


def _swap_one(module, new):
    held = [module.lora_A, module.lora_B]
    if [p.shape for p in held] != [n.shape for n in new]:
        raise ValueError("a matrix has the wrong shape")
    old = tuple(p.data.clone() for p in held)
    for parameter, value in zip(held, new, strict=True):
        parameter.data.copy_(value.data)
    return old


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    layers = dict(model.named_modules())
    for path in list(layers):
        if not (hasattr(layers[path], "lora_A") and hasattr(layers[path], "lora_B")):
            del layers[path]
    if layers.keys() - adapter.keys() or adapter.keys() - layers.keys():
        raise ValueError("missing or unknown layers")
    return {path: _swap_one(module, adapter[path]) for path, module in layers.items()}
