"""Counts of the four kinds of pairs: kept, lost, won, never right."""

from collections import Counter
from collections.abc import Mapping, Sequence


def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    tasks = list(before)
    if sorted(tasks) != sorted(after) or not tasks or "mean" in tasks:
        raise ValueError("the tasks do not fit")
    result = {}
    for task in tasks:
        if len(before[task]) != len(after[task]):
            raise ValueError("other questions")
        pairs = Counter((bool(a), bool(b)) for a, b in zip(before[task], after[task], strict=True))
        n = pairs.total()
        if n == 0:
            raise ValueError("no questions")
        kept, lost, won = pairs[True, True], pairs[True, False], pairs[False, True]
        row = {"before": (kept + lost) / n, "after": (kept + won) / n}
        row["forgotten"] = lost / (kept + lost) if kept + lost > 0 else 0.0
        result[task] = row
    total = {"before": 0.0, "after": 0.0, "forgotten": 0.0}
    for row in result.values():
        for key in total:
            total[key] += row[key] / len(tasks)
    result["mean"] = total
    return result
