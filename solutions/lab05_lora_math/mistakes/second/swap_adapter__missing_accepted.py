"""Looks up only the paths it was given, in two passes: one to check, one to copy."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    modules = dict(model.named_modules())
    steps = []
    old = {}
    for path in adapter:
        module = modules.get(path)
        if not (hasattr(module, "lora_A") and hasattr(module, "lora_B")):
            raise ValueError(f"{path} is no LoRA layer")
        held = (module.lora_A, module.lora_B)
        for parameter, new in zip(held, adapter[path], strict=True):
            if parameter.shape != new.shape:
                raise ValueError(f"wrong shape at {path}")
            steps.append((parameter, new))
        old[path] = tuple(parameter.detach().clone() for parameter in held)
    for parameter, new in steps:
        parameter.data.copy_(new.detach())
    return old
