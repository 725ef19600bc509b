"""You accept a target found anywhere in the path, so "mlp" takes every layer inside the block mlp.
Compare it with the last part of the name only."""

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
        if not any(target in path for path in linears):
            raise ValueError(f"no linear layer is called {target!r}")
    for parameter in model.parameters():
        parameter.requires_grad = False
    replaced = []
    for path, linear in linears.items():
        if any(target in path for target in targets):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, layer(linear, rank, alpha))
            replaced.append(path)
    return replaced
