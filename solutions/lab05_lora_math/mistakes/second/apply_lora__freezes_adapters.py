"""Replaces through a list of parents, names and layers, then calls requires_grad_ on the model."""

from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    modules = dict(model.named_modules())
    chosen = []
    for path, module in modules.items():
        parent, _, name = path.rpartition(".")
        if name in targets and isinstance(module, nn.Linear):
            chosen.append((path, modules[parent], name, module))
    missing = set(targets).difference(name for _, _, name, _ in chosen)
    if missing:
        raise ValueError(f"not in the model: {missing}")
    for _, parent_module, name, linear in chosen:
        setattr(parent_module, name, layer(linear, rank, alpha))
    model.requires_grad_(False)
    return [path for path, *_ in chosen]
