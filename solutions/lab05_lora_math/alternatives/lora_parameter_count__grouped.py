"""Sums in + out per name in a Counter first, then looks the targets up."""

from collections import Counter
from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError("rank must be at least 1")
    sides: Counter[str] = Counter()
    for path, (out_features, in_features) in shapes.items():
        sides[path.split(".")[-1]] += out_features + in_features
    total = 0
    for target in dict.fromkeys(targets):
        if target not in sides:
            raise ValueError(f"{target} is in no path")
        total += sides[target]
    return rank * total
