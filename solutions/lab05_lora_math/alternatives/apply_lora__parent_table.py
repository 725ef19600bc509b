"""Looks parents up in one dictionary of all modules and builds every new layer before setting
any."""

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
    linears = {path: m for path, m in modules.items() if isinstance(m, nn.Linear)}
    chosen = [path for path in linears if path.rsplit(".", maxsplit=1)[-1] in targets]
    if any(all(path.rsplit(".", maxsplit=1)[-1] != t for path in chosen) for t in targets):
        raise ValueError("a target matches no nn.Linear")
    for module in modules.values():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    fresh = [layer(linears[path], rank, alpha) for path in chosen]
    for path, new in zip(chosen, fresh, strict=True):
        parent, dot, name = path.rpartition(".")
        modules[parent if dot else ""]._modules[name] = new
    return chosen
