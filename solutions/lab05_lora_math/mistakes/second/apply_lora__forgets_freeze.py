"""set_submodule puts the new layers in; no parameter is touched."""

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
    paths = [
        path
        for path, module in model.named_modules()
        if path.rsplit(".", 1)[-1] in wanted and isinstance(module, nn.Linear)
    ]
    if {path.rsplit(".", 1)[-1] for path in paths} != wanted:
        raise ValueError("a target matches no linear layer")
    for path in paths:
        model.set_submodule(path, layer(model.get_submodule(path), rank, alpha))
    return paths
