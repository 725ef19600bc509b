"""Walks the paths from the last to the first and stops at the first match of each target."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError("rank must be at least 1")
    count = 0
    for target in dict.fromkeys(targets):
        for path in reversed(list(shapes)):
            if path.rpartition(".")[-1] == target:
                count += rank * shapes[path][1] + rank * shapes[path][0]
                break
        else:
            raise ValueError(f"{target} is not in the model")
    return count
