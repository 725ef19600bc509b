"""Filters the shapes and sums what is left, whatever the targets were."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if not rank >= 1:
        raise ValueError("a LoRA rank starts at 1")
    wanted = frozenset(targets)
    adapted = filter(lambda path: path.rpartition(".")[2] in wanted, shapes)
    return rank * sum(sum(shapes[path]) for path in adapted)
