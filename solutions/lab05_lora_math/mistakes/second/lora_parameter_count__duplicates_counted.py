"""Each name's cost is summed once, then every entry of targets pays it, repeated entries too."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    cost: dict[str, int] = {}
    for path, shape in shapes.items():
        name = path.rsplit(".", 1)[-1]
        cost[name] = cost.get(name, 0) + rank * sum(shape)
    if rank < 1 or any(target not in cost for target in targets):
        raise ValueError("rank below 1 or unknown target")
    return sum(cost[target] for target in targets)
