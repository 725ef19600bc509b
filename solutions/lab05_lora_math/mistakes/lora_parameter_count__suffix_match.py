"""You accept every path that ends in a target, so "proj" also takes "q_proj". Compare the target
with the whole last dotted part of the path."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    for target in targets:
        if not any(path.endswith(target) for path in shapes):
            raise ValueError(f"no module is called {target!r}")
    return sum(
        rank * (in_features + out_features)
        for path, (out_features, in_features) in shapes.items()
        if path.endswith(tuple(targets))
    )
