"""What a recipe of the cookbook left in its folder: metrics, checkpoints, rows of data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a run left in its folder. `losses` are all logged values whose name says so."""

    steps: int
    losses: Mapping[str, Sequence[float]]
    checkpoints: Sequence[Mapping[str, Any]]
    rows: int

    @property
    def finite(self) -> bool:
        """Whether every loss is a number."""
        return all(math.isfinite(v) for values in self.losses.values() for v in values)


def results(folder: Path) -> Results:
    """Read metrics.jsonl, checkpoints.jsonl and written data below `folder`, whichever there are.

    `steps` counts the lines of metrics.jsonl; `rows` those of other .jsonl files.
    """
    steps, rows = 0, 0
    losses: dict[str, list[float]] = {}
    checkpoints: list[Mapping[str, Any]] = []
    for path in sorted(folder.rglob("*.jsonl")):
        said = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        if path.name == "metrics.jsonl":
            steps += len(said)
            for metrics in said:
                for key, value in metrics.items():
                    if _is_loss(key) and isinstance(value, int | float):
                        losses.setdefault(key, []).append(float(value))
        elif path.name == "checkpoints.jsonl":
            checkpoints.extend(said)
        else:
            rows += len(said)
    return Results(steps=steps, losses=losses, checkpoints=checkpoints, rows=rows)


def _is_loss(key: str) -> bool:
    return any(part in key for part in ("loss", "nll", "kl_", "reward/total", "entropy"))
