"""Matches a target after the start or a dot by regular expression and sums the shapes in numpy."""

import re
from collections.abc import Collection, Mapping

import numpy as np


def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    if rank <= 0:
        raise ValueError("rank must be positive")
    paths = list(shapes)
    adapted = np.zeros(len(paths), dtype=bool)
    for target in targets:
        pattern = re.compile(r"(?:\A|\.)" + re.escape(target) + r"\Z")
        hits = np.array([pattern.search(path) is not None for path in paths], dtype=bool)
        if not hits.any():
            raise ValueError(f"no path ends in {target!r}")
        adapted |= hits
    sizes = np.array([shapes[path] for path in paths], dtype=np.int64).reshape(-1, 2)
    return int(sizes[adapted].sum()) * rank
