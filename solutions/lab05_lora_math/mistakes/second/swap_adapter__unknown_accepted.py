"""Loads a state dict built from the model's own layers; other paths are never looked at."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    old, state = {}, {}
    for path, module in model.named_modules():
        if not (hasattr(module, "lora_A") and hasattr(module, "lora_B")):
            continue
        new = adapter.get(path)
        held = (module.lora_A.detach().clone(), module.lora_B.detach().clone())
        if new is None or any(h.shape != n.shape for h, n in zip(held, new, strict=True)):
            raise ValueError(f"{path or 'the root'} is missing or does not fit")
        old[path] = held
        prefix = f"{path}." if path else ""
        state |= {f"{prefix}lora_A": new[0], f"{prefix}lora_B": new[1]}
    model.load_state_dict(state, strict=False)
    return old
