"""requires_grad_ is the first line; the search and its error come after."""

from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    model.requires_grad_(False)
    remaining = set(targets)
    chosen: dict[str, nn.Linear] = {}
    for path, module in model.named_modules():
        name = path.rpartition(".")[2]
        if isinstance(module, nn.Linear) and name in targets:
            chosen[path] = module
            remaining.discard(name)
    if remaining:
        raise ValueError(f"no linear layer for {remaining}")
    for path, linear in chosen.items():
        model.set_submodule(path, layer(linear, rank, alpha))
    return list(chosen)
