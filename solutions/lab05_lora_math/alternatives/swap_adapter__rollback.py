"""Writes layer by layer and, when something does not fit, writes the old values back."""

from collections.abc import Mapping

import torch
from torch import nn


def _write(module, pair):
    with torch.no_grad():
        for parameter, value in zip((module.lora_A, module.lora_B), pair, strict=True):
            if parameter.shape != value.shape:
                raise ValueError(f"expected {tuple(parameter.shape)}, got {tuple(value.shape)}")
            parameter.zero_().add_(value.to(parameter.dtype))


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    layers = {
        path: module
        for path, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "lora_B")
    }
    previous = {}
    for path, module in layers.items():
        previous[path] = (module.lora_A.detach().clone(), module.lora_B.detach().clone())
    incoming = {path: tuple(m.detach().clone() for m in pair) for path, pair in adapter.items()}
    try:
        for path, pair in incoming.items():
            if path not in layers:
                raise ValueError(f"{path!r} is no layer of the model")
            _write(layers[path], pair)
        if len(incoming) != len(layers):
            raise ValueError("the adapter lacks a layer")
    except ValueError:
        for path, pair in previous.items():
            _write(layers[path], pair)
        raise
    return previous
