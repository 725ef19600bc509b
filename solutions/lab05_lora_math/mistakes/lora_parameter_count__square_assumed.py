"""You count A and B as if every weight were square. A is as wide as the layer's input and B as tall
as its output: add both sides of the shape instead of doubling one."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    wanted = set(targets)
    unmatched = wanted - {path.split(".")[-1] for path in shapes}
    if unmatched:
        raise ValueError(f"no module is called {sorted(unmatched)}")
    total = 0
    for path, shape in shapes.items():
        if path.split(".")[-1] in wanted:
            total += 2 * rank * shape[0]
    return total
