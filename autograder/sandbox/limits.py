"""What one jail may use. Time is CPU time, so that a loaded machine changes no verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["A", "B", "trusted"]
"""How strong a jail is: see `autograder.sandbox.jail`."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Budget of one jail over its whole life; the names are those of `autograder.lab.Limits`."""

    cpu_seconds: float = 10.0
    wall_seconds: float = 60.0
    """Backstop for code that sleeps: time spent waiting for answers, queueing for a processor not
    counted."""
    memory_mb: int = 1024
    """On top of what the warm process already has mapped."""
    output_kb: int = 256

    def to_dict(self) -> dict[str, float]:
        """Plain numbers, as they travel to the zygote."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a jail used until it was closed or died."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mb: float = 0.0
    """Peak resident size, pages shared with the warm process included."""
    output_bytes: int = 0
