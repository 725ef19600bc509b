"""Paths are matched by a regular expression anchored at the end only."""

import re
from collections.abc import Collection, Mapping


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank <= 0:
        raise ValueError("rank must be positive")
    hits: set[str] = set()
    for target in targets:
        ending = re.compile(re.escape(target) + r"\Z")
        found = {path for path in shapes if ending.search(path)}
        if not found:
            raise ValueError(f"{target} matches nothing")
        hits |= found
    total = 0
    for path in hits:
        total += rank * shapes[path][0]
        total += rank * shapes[path][1]
    return total
