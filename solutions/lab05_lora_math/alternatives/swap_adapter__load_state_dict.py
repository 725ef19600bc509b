"""Checks everything, then lets load_state_dict copy a state dict that holds only A and B."""

from collections.abc import Mapping

import torch
from torch import nn


def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    previous: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    state: dict[str, torch.Tensor] = {}
    for path, module in model.named_modules():
        if not all(hasattr(module, name) for name in ("lora_A", "lora_B")):
            continue
        if path not in adapter:
            raise ValueError(f"the adapter lacks {path!r}")
        new_a, new_b = adapter[path]
        old_a, old_b = module.lora_A.detach().clone(), module.lora_B.detach().clone()
        if old_a.shape != new_a.shape or old_b.shape != new_b.shape:
            raise ValueError(f"the shapes at {path!r} do not fit")
        previous[path] = (old_a, old_b)
        prefix = path + "." if path else ""
        state[prefix + "lora_A"] = new_a.detach()
        state[prefix + "lora_B"] = new_b.detach()
    if len(previous) < len(adapter):
        raise ValueError("the adapter names layers that the model does not have")
    model.load_state_dict(state, strict=False)
    return previous
