"""The one thread that touches the engine, and who may use it next.

Every session is a lane. Of the lanes with work, the one that has used the least engine time goes
next, for one call or one decode step. All jobs of one sampler, whoever sent them, decode together
in one `SamplingRun`; a job that arrives late joins between two steps. No HTTP and no torch here.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from shared.tinker.errors import CancelledError
from shared.tinker.service import memory
from shared.tinker.service.shares import HOUSEKEEPING, Shares
from shared.tinker.service.types import Engine, SampleJob, SampleResult, SamplingRun

logger = logging.getLogger(__name__)

T = TypeVar("T")

WINDOW = 0.008
LONGEST_WINDOW = 0.04
"""Seconds a new batch waits for company: after the last arrival, and after the first."""

REST = 2.0
"""Seconds without work after which free memory goes back to the system."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What to sample from: an engine sampler's id and, unless it is a snapshot, how to open it."""

    engine_id: str
    base_model: str
    folder: Path | None = None
    snapshot: bool = False


@dataclass(kw_only=True)
class _Seat:
    """A job's place in a batch."""

    lane: str
    job: SampleJob
    future: Future[SampleResult]


@dataclass(kw_only=True)
class _Batch:
    """The jobs of one sampler: those that wait, those that decode."""

    source: Source
    opened: float
    ready: float
    waiting: list[_Seat] = field(default_factory=list[_Seat])
    live: dict[str, _Seat] = field(default_factory=dict[str, _Seat])
    run: SamplingRun | None = None

    def lanes(self) -> list[str]:
        return list({seat.lane for seat in (*self.waiting, *self.live.values())})


class Worker:
    """Runs calls and sampling on one thread. All methods may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._calls: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        self._batches: dict[str, _Batch] = {}
        self._open_samplers: set[str] = set()
        self._shares = Shares()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End after the call or step that runs now; False when it took longer than `timeout`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def call(self, lane: str, function: Callable[[], T]) -> Future[T]:
        """Queue one call behind the lane's earlier ones."""
        future: Future[T] = Future()
        with self._changed:
            self._enter(lane)
            self._calls.setdefault(lane, deque()).append((future, function))
            self._changed.notify()
        return future

    def sample(self, lane: str, source: Source, job: SampleJob) -> Future[SampleResult]:
        """Queue one job, checked before; cancel the future to give it up between two steps."""
        future: Future[SampleResult] = Future()
        now = time.monotonic()
        with self._changed:
            self._enter(lane)
            batch = self._batches.get(source.engine_id)
            if batch is None:
                batch = _Batch(source=source, opened=now, ready=now)
                self._batches[source.engine_id] = batch
            batch.ready = min(now + WINDOW, batch.opened + LONGEST_WINDOW)
            batch.waiting.append(_Seat(lane=lane, job=job, future=future))
            self._changed.notify()
        return future

    def forget_sampler(self, engine_id: str) -> None:
        """Free an engine sampler that no client can name any more."""
        self.call(HOUSEKEEPING, lambda: self._forget(engine_id))

    def leave(self, lane: str) -> None:
        """Give up what a lane has queued; its running call ends by itself."""
        with self._changed:
            calls = self._calls.pop(lane, deque())
            seats = [
                seat
                for batch in self._batches.values()
                for seat in (*batch.waiting, *batch.live.values())
                if seat.lane == lane
            ]
            self._shares.leave(lane)
            self._changed.notify()
        for future in (*(future for future, _ in calls), *(seat.future for seat in seats)):
            future.cancel()

    def queued(self) -> int:
        """Calls and jobs that wait or decode."""
        with self._changed:
            calls = sum(len(calls) for calls in self._calls.values())
            batches = self._batches.values()
            return calls + sum(len(batch.waiting) + len(batch.live) for batch in batches)

    def _enter(self, lane: str) -> None:
        if self._stopping:
            raise CancelledError("The service is stopping. Start it again and repeat the request.")
        self._shares.enter(lane)

    def _loop(self) -> None:
        while (step := self._next()) is not None:
            begun = time.perf_counter()
            lanes = step()
            with self._changed:
                self._shares.charge(lanes, time.perf_counter() - begun)

    def _next(self) -> Callable[[], Sequence[str]] | None:
        """Wait for work, choose, and give back what to run; it tells which lanes pay."""
        rested = False
        with self._changed:
            while not self._stopping:
                self._drop_cancelled()
                now = time.monotonic()
                candidates: dict[str, Iterable[str]] = {lane: (lane,) for lane in self._calls}
                ready = [b for b in self._batches.values() if b.run is not None or b.ready <= now]
                candidates |= {f"/{b.source.engine_id}": b.lanes() for b in ready}
                if candidates:
                    return self._chosen(self._shares.pick(candidates))
                due = [batch.ready - now for batch in self._batches.values()]
                came = self._changed.wait(min(due, default=None if rested else REST))
                if not came and not due:
                    memory.give_back()
                    rested = True
            return None

    def _chosen(self, candidate: str) -> Callable[[], Sequence[str]]:
        if candidate.startswith("/"):
            batch = self._batches[candidate[1:]]
            joining, batch.waiting = batch.waiting, []
            batch.live.update((seat.job.job_id, seat) for seat in joining)
            return lambda: self._decode(batch, joining)
        calls = self._calls[candidate]
        future, function = calls.popleft()
        if not calls:
            del self._calls[candidate]
        return lambda: _perform(candidate, future, function)

    def _drop_cancelled(self) -> None:
        for lane, calls in list(self._calls.items()):
            while calls and calls[0][0].cancelled():
                calls.popleft()
            if not calls:
                del self._calls[lane]
        for engine_id, batch in list(self._batches.items()):
            batch.waiting = [seat for seat in batch.waiting if not seat.future.cancelled()]
            for job_id in [i for i, seat in batch.live.items() if seat.future.cancelled()]:
                del batch.live[job_id]
                if batch.run is not None:
                    _quietly(partial(batch.run.cancel, job_id))
            if not batch.live and not batch.waiting:
                del self._batches[engine_id]
                self._shares.leave(f"/{engine_id}")

    def _decode(self, batch: _Batch, joining: Sequence[_Seat]) -> Sequence[str]:
        """One step of a batch. Whatever goes wrong belongs to all who sit in it."""
        lanes = batch.lanes()
        try:
            if batch.run is None:
                batch.run = self._open(batch.source)
            if joining:
                batch.run.add([seat.job for seat in joining])
            results = batch.run.step()
        except Exception as error:
            with self._changed:
                failed, batch.live, batch.run = list(batch.live.values()), {}, None
            for seat in failed:
                _settle(seat.future, error=error)
            return lanes
        for result in results:
            with self._changed:
                seat = batch.live.pop(result.job_id, None)
            if seat is not None:
                _settle(seat.future, result=result)
        return lanes

    def _open(self, source: Source) -> SamplingRun:
        if not source.snapshot and source.engine_id not in self._open_samplers:
            self._engine.open_sampler(source.engine_id, source.base_model, source.folder)
            self._open_samplers.add(source.engine_id)
        return self._engine.sampling_run(source.engine_id)

    def _forget(self, engine_id: str) -> None:
        self._open_samplers.discard(engine_id)
        self._engine.close_sampler(engine_id)


def _quietly(function: Callable[[], object]) -> None:
    """For what nobody waits for: the thread must outlive its failure."""
    try:
        function()
    except Exception:
        logger.exception("the engine failed where nobody waits for an answer")


def _perform(lane: str, future: Future[Any], function: Callable[[], Any]) -> Sequence[str]:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(function())
        except Exception as error:
            future.set_exception(error)
    return (lane,)


def _settle(
    future: Future[SampleResult],
    *,
    result: SampleResult | None = None,
    error: Exception | None = None,
) -> None:
    with contextlib.suppress(Exception):  # given up between the step and now
        if not future.set_running_or_notify_cancel():
            return
        if error is not None:
            future.set_exception(error)
        elif result is not None:
            future.set_result(result)
