"""Goes down through named_children and notes the child's own name."""

from collections.abc import Collection

from torch import nn


def _matches(module, wanted):
    found = []
    for name, child in module.named_children():
        if name in wanted and isinstance(child, nn.Linear):
            found.append((module, name, child))
        found.extend(_matches(child, wanted))
    return found


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    wanted = set(targets)
    matches = _matches(model, wanted)
    if len({name for _, name, _ in matches}) < len(wanted):
        raise ValueError("a target matches no linear layer")
    model.requires_grad_(False)
    for parent, name, child in matches:
        setattr(parent, name, layer(child, rank, alpha))
    return [name for _, name, _ in matches]
