"""Registers fresh parameters under both names, one name after the other."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    names = ("lora_A", "lora_B")
    layers = [
        (path, module)
        for path, module in model.named_modules()
        if all(hasattr(module, name) for name in names)
    ]
    if {path for path, _ in layers} != adapter.keys():
        raise ValueError("missing or unknown layers")
    fresh, old = {}, {}
    for path, module in layers:
        current = tuple(getattr(module, name).detach().clone() for name in names)
        if [m.shape for m in current] != [m.shape for m in adapter[path]]:
            raise ValueError(f"shapes differ at {path}")
        old[path] = current
        fresh[path] = [
            nn.Parameter(torch.empty_like(have).copy_(new.detach()))
            for have, new in zip(current, adapter[path], strict=True)
        ]
    for path, module in layers:
        for name, parameter in zip(names, fresh[path], strict=True):
            module.register_parameter(name, parameter)
    return old
