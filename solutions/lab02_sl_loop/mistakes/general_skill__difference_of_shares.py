"""You take the difference of the two shares as forgotten. Questions that became right hide those
that became wrong: compare question by question."""

from collections.abc import Mapping, Sequence


def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    if not before or set(before) != set(after) or "mean" in before:
        raise ValueError(f"tasks are {sorted(before)} before and {sorted(after)} after.")
    found: dict[str, dict[str, float]] = {}
    for task, first in before.items():
        second = after[task]
        if len(first) != len(second) or not len(first):
            raise ValueError(f"{task}: {len(first)} answers before and {len(second)} after.")
        found[task] = {
            "before": sum(first) / len(first),
            "after": sum(second) / len(second),
            "forgotten": max(0.0, sum(first) / len(first) - sum(second) / len(second)),
        }
    keys = ("before", "after", "forgotten")
    mean = {key: sum(one[key] for one in found.values()) / len(found) for key in keys}
    return {**found, "mean": mean}
