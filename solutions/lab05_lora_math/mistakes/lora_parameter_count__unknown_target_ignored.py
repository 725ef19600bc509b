"""You pass over a target that matches no module, so a misspelt name silently trains nothing. Find
out whether each target matched and raise ValueError if one did not."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    total = 0
    for path, (out_features, in_features) in shapes.items():
        if path.split(".")[-1] in targets:
            total += rank * (in_features + out_features)
    return total
