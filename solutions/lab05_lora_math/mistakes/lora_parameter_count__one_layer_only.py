"""You keep one shape per name, so a target that stands in every layer counts only once. Add up all
modules whose last part matches, in all layers."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    by_name = {path.split(".")[-1]: shape for path, shape in shapes.items()}
    total = 0
    for target in set(targets):
        if target not in by_name:
            raise ValueError(f"no module is called {target!r}")
        out_features, in_features = by_name[target]
        total += rank * (in_features + out_features)
    return total
