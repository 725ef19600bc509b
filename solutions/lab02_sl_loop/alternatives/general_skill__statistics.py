"""Means by statistics, over lists of 0 and 1."""

from collections.abc import Mapping, Sequence
from statistics import fmean


def share(answers: Sequence[bool]) -> float:
    return fmean(int(answer) for answer in answers) if len(answers) else 0.0


def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    if len(before) == 0 or before.keys() ^ after.keys() or before.get("mean") is not None:
        raise ValueError("tasks")
    if any(len(before[task]) != len(after[task]) or len(after[task]) == 0 for task in after):
        raise ValueError("questions")
    rows = {
        task: {
            "before": share(before[task]),
            "after": share(after[task]),
            "forgotten": share(
                [not after[task][n] for n, right in enumerate(before[task]) if right]
            ),
        }
        for task in before
    }
    columns = {key: [row[key] for row in rows.values()] for key in ("before", "after", "forgotten")}
    return rows | {"mean": {key: fmean(values) for key, values in columns.items()}}
