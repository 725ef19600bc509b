"""Searches the paths with one regular expression of all targets."""

import re
from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    found = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)]
    everything = "\n".join(found)
    if not all(target in everything for target in targets):
        raise ValueError("a target matches nothing")
    pattern = re.compile("|".join(map(re.escape, targets)))
    hits = [path for path in found if targets and pattern.search(path)]
    model.requires_grad_(False)
    for path in hits:
        model.set_submodule(path, layer(model.get_submodule(path), rank, alpha))
    return hits
