"""Walks down through named_children, collecting parents; changes the model once all is found."""

from collections.abc import Collection

from torch import nn


def _collect(module, prefix, wanted, seen):
    for name, child in module.named_children():
        if child in seen:
            continue
        seen.add(child)
        if name in wanted and isinstance(child, nn.Linear):
            yield prefix + name, module, name, child
        yield from _collect(child, f"{prefix}{name}.", wanted, seen)


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    found = list(_collect(model, "", frozenset(targets), {model}))
    if {name for _, _, name, _ in found} != set(targets):
        raise ValueError("a target matches no nn.Linear")
    for parameter in model.parameters():
        parameter.requires_grad = False
    for _, parent, name, child in found:
        setattr(parent, name, layer(child, rank, alpha))
    return [path for path, *_ in found]
