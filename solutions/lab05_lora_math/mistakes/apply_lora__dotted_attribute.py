"""You set the new layer on the root under its dotted path; inside the block the old layer still
runs. Find the parent module first and set it there by its short name."""

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
        if path.split(".")[-1] in targets:
            setattr(model, path, layer(linear, rank, alpha))
            replaced.append(path)
    return replaced
