"""Who may use the engine next: start-time fair queueing over measured seconds.

A lane is a session; a candidate is a lane's next call or a batch that several lanes sit in. Knows
no threads: `work` calls it under its lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HOUSEKEEPING = ""
"""The lane of the service itself: it goes first and pays nothing."""


class Shares:
    """Start-time fair queueing: who has used least goes next; who was away gets no credit."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._clock = 0.0
        self._turns: dict[str, int] = {}
        self._turn = 0

    def enter(self, lane: str) -> None:
        """A lane has work. For one that had some already this changes nothing."""
        self._used[lane] = max(self._used.get(lane, 0.0), self._clock)

    def pick(self, candidates: dict[str, Iterable[str]]) -> str:
        """The candidate with the neediest lane; between equals the one that waited longest."""
        chosen = min(candidates, key=lambda one: (self._need(candidates[one]), self._waited(one)))
        self._clock = max(self._clock, self._need(candidates[chosen]))
        self._turn += 1
        self._turns[chosen] = self._turn
        return chosen

    def charge(self, lanes: Sequence[str], seconds: float) -> None:
        """The lanes have used the engine together."""
        for lane in lanes:
            if lane in self._used:
                self._used[lane] += seconds / len(lanes)

    def leave(self, name: str) -> None:
        """Forget a lane or a candidate that will not come back."""
        self._used.pop(name, None)
        self._turns.pop(name, None)

    def _need(self, lanes: Iterable[str]) -> float:
        return min(
            (self._used.get(lane, 0.0) if lane != HOUSEKEEPING else -1.0 for lane in lanes),
            default=-1.0,
        )

    def _waited(self, candidate: str) -> int:
        return self._turns.get(candidate, 0)
