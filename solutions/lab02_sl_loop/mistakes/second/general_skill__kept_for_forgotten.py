"""The same mistake, written differently."""

from collections.abc import Mapping, Sequence

import numpy as np


def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    if not before or before.keys() != after.keys() or "mean" in before:
        raise ValueError("other tasks")
    table: dict[str, dict[str, float]] = {}
    for task in before:
        first, second = np.array(before[task], dtype=bool), np.array(after[task], dtype=bool)
        if first.shape != second.shape or first.size == 0:
            raise ValueError(task)
        table[task] = {
            "before": float(first.mean()),
            "after": float(second.mean()),
            "forgotten": int((first & second).sum()) / max(int(first.sum()), 1),
        }
    rows = list(table.values())
    table["mean"] = {key: sum(row[key] for row in rows) / len(rows) for key in rows[0]}
    return table
