"""One loop over the modules that crosses off each target it meets; A and B are counted apart."""

from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if not rank >= 1:
        raise ValueError(f"rank is {rank}")
    unseen = set(targets)
    a_entries = b_entries = 0
    for path in shapes:
        *_, last = path.split(".")
        if last not in targets:
            continue
        unseen.discard(last)
        a_entries += rank * shapes[path][1]
        b_entries += shapes[path][0] * rank
    if unseen:
        raise ValueError(f"nothing matches {unseen}")
    return a_entries + b_entries
