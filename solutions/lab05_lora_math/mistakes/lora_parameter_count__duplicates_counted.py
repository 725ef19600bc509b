"""You count a module again each time its name is repeated in targets. A module gets one adapter
however often it is asked for: remove the duplicates first."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    total = 0
    for target in targets:
        matches = [shape for path, shape in shapes.items() if path.split(".")[-1] == target]
        if not matches:
            raise ValueError(f"no module is called {target!r}")
        for out_features, in_features in matches:
            total += rank * (out_features + in_features)
    return total
