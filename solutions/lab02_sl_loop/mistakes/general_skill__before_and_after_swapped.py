"""You swapped before and after: learnt looks like forgotten."""

from collections.abc import Mapping, Sequence


def general_skill(
    before: Mapping[str, Sequence[bool]], after: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    if not before or set(before) != set(after) or "mean" in before:
        raise ValueError(f"tasks are {sorted(before)} before and {sorted(after)} after.")
    found: dict[str, dict[str, float]] = {}
    for task, first in after.items():
        second = before[task]
        if len(first) != len(second) or not len(first):
            raise ValueError(f"{task}: {len(first)} answers before and {len(second)} after.")
        kept = [later for earlier, later in zip(first, second, strict=True) if earlier]
        found[task] = {
            "before": sum(first) / len(first),
            "after": sum(second) / len(second),
            "forgotten": 1 - sum(kept) / len(kept) if kept else 0.0,
        }
    keys = ("before", "after", "forgotten")
    mean = {key: sum(one[key] for one in found.values()) / len(found) for key in keys}
    return {**found, "mean": mean}
