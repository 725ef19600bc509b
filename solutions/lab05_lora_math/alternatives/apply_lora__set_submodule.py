"""Counts the hits of each target, then replaces path by path with set_submodule."""

from collections.abc import Collection

from torch import nn


def apply_lora(
    model: nn.Module,
    targets: Collection[str],
    rank: int,
    alpha: float,
    layer=LoRALinear,  # noqa: F821
) -> list[str]:
    hits = dict.fromkeys(targets, 0)
    paths: list[str] = []
    for path, module in model.named_modules():
        name = path.split(".")[-1]
        if name in hits and isinstance(module, nn.Linear):
            hits[name] += 1
            paths.append(path)
    for target, count in hits.items():
        if count == 0:
            raise ValueError(f"no nn.Linear is called {target!r}")
    model.requires_grad_(False)
    for path in paths:
        model.set_submodule(path, layer(model.get_submodule(path), rank, alpha))
    return paths
