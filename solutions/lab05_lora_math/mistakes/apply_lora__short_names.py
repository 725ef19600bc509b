"""You return the last part of each name. Two layers may share it: return the whole path, as
named_modules gives it."""

from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    linears = {p: m for p, m in model.named_modules() if isinstance(m, nn.Linear)}
    for target in targets:
        if not any(path.split(".")[-1] == target for path in linears):
            raise ValueError(f"no linear layer is called {target!r}")
    for parameter in model.parameters():
        parameter.requires_grad = False
    replaced = []
    for path, linear in linears.items():
        parent, _, name = path.rpartition(".")
        if name in targets:
            setattr(model.get_submodule(parent), name, layer(linear, rank, alpha))
            replaced.append(name)
    return replaced
