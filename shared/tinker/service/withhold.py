"""Withheld results: how the service proves that a client sends ahead instead of waiting.

The SDK polls for results eagerly, so when a result is fetched proves nothing. A graded key's
forward_backward result is therefore held back until the next request of that model arrives, or
for one second. A client that waits for the loss before it sends optim_step can only send it after
the release, and the request log shows that. Pure: no HTTP, no threads, the clock is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.tinker.service.records import LogEntry

SECONDS = 1.0
"""How long a result is held back at most, counted from when it was ready."""


@dataclass(kw_only=True)
class _Held:
    model_id: str
    followed: bool = False
    deadline: float | None = None


class Withholding:
    """Which results are held back. `clock` gives seconds of any origin that never goes back.

    Call `arrived` for every request of a graded key's model, after it was logged and before it is
    worked on, and `ready` when its result is there. Not for several threads at once.
    """

    def __init__(
        self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._held: dict[str, _Held] = {}

    def arrived(self, model_id: str, request_id: str, *, withhold: bool) -> list[str]:
        """A request arrived; `withhold` is true for a forward_backward with gradient.

        Returns the requests of this model whose results were held back and may go now. A request
        that arrives again changes nothing.
        """
        if request_id in self._held:
            return []
        freed: list[str] = []
        for earlier, held in list(self._held.items()):
            if held.model_id != model_id:
                continue
            held.followed = True
            if held.deadline is not None:
                freed.append(earlier)
                del self._held[earlier]
        if withhold:
            self._held[request_id] = _Held(model_id=model_id)
        return freed

    def ready(self, request_id: str) -> float | None:
        """The result is there. None: release it now; else the moment of `clock` to do it at."""
        held = self._held.get(request_id)
        if held is None:
            return None
        if held.followed:
            del self._held[request_id]
            return None
        if held.deadline is None:
            held.deadline = self._clock() + self._seconds
        return held.deadline

    def overdue(self) -> list[str]:
        """The requests whose second is over; they are held back no longer."""
        now = self._clock()
        due = [
            request_id
            for request_id, held in self._held.items()
            if held.deadline is not None and held.deadline <= now
        ]
        for request_id in due:
            del self._held[request_id]
        return due

    def drop(self, request_id: str) -> None:
        """The request was given up or failed; unknown ones are fine."""
        self._held.pop(request_id, None)

    def __len__(self) -> int:
        return len(self._held)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One optim_step and the last forward_backward before it, by their arrival orders."""

    model_id: str
    forward_backward: int
    optim_step: int
    pipelined: bool
    """Whether the optim_step arrived before the forward_backward's result was released."""


def steps(entries: Iterable[LogEntry]) -> list[Step]:
    """Pair each optim_step of a log with its forward_backward, in order of arrival.

    Gradients may be accumulated over several forward_backward calls; only the last one before the
    optim_step is looked at. An optim_step without any is left out, and so are calls that failed.
    """
    found: list[Step] = []
    last: dict[str, LogEntry] = {}
    for entry in sorted(entries, key=lambda entry: entry.arrival_order):
        if entry.model_id is None or "error" in entry.facts:
            continue
        if entry.kind == "forward_backward":
            last[entry.model_id] = entry
        elif entry.kind == "optim_step" and entry.model_id in last:
            before = last.pop(entry.model_id)
            release = before.release_order
            found.append(
                Step(
                    model_id=entry.model_id,
                    forward_backward=before.arrival_order,
                    optim_step=entry.arrival_order,
                    pipelined=release is None or entry.arrival_order < release,
                )
            )
    return found
