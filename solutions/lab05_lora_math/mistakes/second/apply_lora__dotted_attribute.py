"""Writes the new layers into the root's dictionary of modules, under their whole paths."""

from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    wanted = set(targets)
    chosen = [
        (path, module)
        for path, module in model.named_modules()
        if path.rpartition(".")[2] in wanted and isinstance(module, nn.Linear)
    ]
    if wanted - {path.rpartition(".")[2] for path, _ in chosen}:
        raise ValueError("a target matches no linear layer")
    model.requires_grad_(False)
    model._modules.update({path: layer(module, rank, alpha) for path, module in chosen})
    return [path for path, _ in chosen]
