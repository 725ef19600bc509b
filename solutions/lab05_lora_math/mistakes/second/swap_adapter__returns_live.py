"""Collects the .data of the parameters as the previous adapter."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    held = {}
    for path, module in model.named_modules():
        matrices = [getattr(module, name, None) for name in ("lora_A", "lora_B")]
        if all(matrix is not None for matrix in matrices):
            held[path] = matrices
    if held.keys() ^ adapter.keys():
        raise ValueError("missing or unknown layers")
    pairs = [(p, n) for path in held for p, n in zip(held[path], adapter[path], strict=True)]
    if any(parameter.shape != new.shape for parameter, new in pairs):
        raise ValueError("a shape does not fit")
    old = {path: (a.data, b.data) for path, (a, b) in held.items()}
    for parameter, new in pairs:
        parameter.data[:] = new.detach()
    return old
