"""The engine's thread: one at a time, the neediest first, late samples join."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError as GivenUp

import numpy as np
import pytest

from shared.tinker.errors import CancelledError, UserError
from shared.tinker.service.shares import HOUSEKEEPING, Shares
from shared.tinker.service.types import SampleJob, SamplingParams
from shared.tinker.service.work import Source, Worker
from tests.service.conftest import until
from tests.service.null_engine import NAME, NullEngine

BASE = Source(engine_id="base", base_model=NAME)


def job(name: str, tokens: int = 3) -> SampleJob:
    prompt = np.array([1], dtype=np.int64)
    params = SamplingParams(max_tokens=tokens)
    return SampleJob(job_id=name, prompt=prompt, num_samples=1, params=params)


@pytest.fixture
def engine() -> NullEngine:
    return NullEngine()


@pytest.fixture
def worker(engine: NullEngine) -> Iterator[Worker]:
    worker = Worker(engine)
    worker.start()
    yield worker
    engine.gate.set()
    assert worker.stop(5)


def held(worker: Worker) -> threading.Event:
    """Keep the thread busy until the event is set."""
    go, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(10)

    worker.call("holder", wait)
    assert begun.wait(10)
    return go


def test_who_has_used_least_goes_next() -> None:
    shares = Shares()
    shares.enter("a"), shares.enter("b")
    candidates = {"a": ("a",), "b": ("b",)}
    order = []
    for _ in range(6):
        lane = shares.pick(candidates)
        order.append(lane)
        shares.charge([lane], 2.0 if lane == "a" else 1.0)
    assert sorted(order) == ["a", "a", "b", "b", "b", "b"]


def test_who_was_away_gets_no_credit() -> None:
    shares = Shares()
    shares.enter("a")
    for _ in range(10):
        shares.charge([shares.pick({"a": ("a",)})], 1.0)
    shares.enter("b")
    turns = []
    for _ in range(4):
        lane = shares.pick({"a": ("a",), "b": ("b",)})
        turns.append(lane)
        shares.charge([lane], 1.0)
    assert turns.count("b") <= 3


def test_housekeeping_goes_first() -> None:
    shares = Shares()
    shares.enter("a")
    assert shares.pick({"a": ("a",), HOUSEKEEPING: (HOUSEKEEPING,)}) == HOUSEKEEPING


def test_a_batch_is_paid_for_by_all_who_sit_in_it() -> None:
    shares = Shares()
    for lane in "abc":
        shares.enter(lane)
    shares.charge(["a", "b"], 1.0)
    shares.charge(["c"], 0.75)
    assert shares.pick({"x": ("a", "b"), "c": ("c",)}) == "x"


def test_one_lanes_calls_keep_their_order(worker: Worker) -> None:
    done: list[int] = []
    futures = [worker.call("a", lambda n=n: done.append(n)) for n in range(20)]
    for future in futures:
        future.result(10)
    assert done == list(range(20))


def test_lanes_take_turns(worker: Worker) -> None:
    go = held(worker)
    done: list[str] = []

    def note(lane: str) -> None:
        time.sleep(0.002)
        done.append(lane)

    futures = [worker.call("a", lambda: note("a")) for _ in range(10)]
    futures += [worker.call("b", lambda: note("b")) for _ in range(3)]
    go.set()
    for future in futures:
        future.result(10)
    assert done.index("b") < 3
    assert max(n for n, lane in enumerate(done) if lane == "b") < 10


def test_an_error_belongs_to_its_call(worker: Worker) -> None:
    def fail() -> None:
        raise UserError("no")

    bad, good = worker.call("a", fail), worker.call("a", lambda: 7)
    with pytest.raises(UserError, match="no"):
        bad.result(10)
    assert good.result(10) == 7


def test_jobs_that_come_together_decode_together(worker: Worker, engine: NullEngine) -> None:
    futures = [worker.sample(f"s{n}", BASE, job(f"j{n}")) for n in range(8)]
    for future in futures:
        assert future.result(10).completions[0].tokens.tolist() == [2, 3, 4]
    assert engine.calls.count("open_sampler") == 1
    assert engine.calls.count("step") <= 6


def test_a_late_job_joins_a_run(worker: Worker, engine: NullEngine) -> None:
    engine.seconds = 0.01
    early = worker.sample("a", BASE, job("early", 60))
    until(lambda: engine.calls.count("step") > 3)
    late = worker.sample("b", BASE, job("late", 2))
    assert late.result(10)
    assert not early.done()
    assert early.result(10)
    assert engine.calls.count("step") < 66


def test_training_goes_on_between_decode_steps(worker: Worker, engine: NullEngine) -> None:
    engine.seconds = 0.005
    long = worker.sample("a", BASE, job("long", 200))
    until(lambda: engine.calls.count("step") > 3)
    assert worker.call("b", lambda: 1).result(10) == 1
    assert not long.done()
    long.cancel()


def test_a_failing_step_fails_its_batch_and_the_next_is_fresh(
    worker: Worker, engine: NullEngine
) -> None:
    engine.fail_with = RuntimeError("bad")
    futures = [worker.sample("a", BASE, job(f"j{n}")) for n in range(2)]
    for future in futures:
        with pytest.raises(RuntimeError, match="bad"):
            future.result(10)
    engine.fail_with = None
    assert worker.sample("a", BASE, job("again")).result(10)
    assert worker.queued() == 0


def test_a_lane_that_leaves_takes_its_work_along(worker: Worker, engine: NullEngine) -> None:
    go = held(worker)
    gone = [worker.call("a", lambda: 1), worker.sample("a", BASE, job("x", 5))]
    stays = worker.sample("b", BASE, job("y", 5))
    worker.leave("a")
    go.set()
    for future in gone:
        with pytest.raises(GivenUp):
            future.result(10)
    assert stays.result(10)
    until(lambda: worker.queued() == 0)


def test_a_forgotten_sampler_is_opened_anew(worker: Worker, engine: NullEngine) -> None:
    worker.sample("a", BASE, job("1")).result(10)
    worker.forget_sampler("base")
    worker.sample("a", BASE, job("2")).result(10)
    assert engine.calls.count("open_sampler") == 2


def test_nothing_is_taken_when_it_stops(engine: NullEngine) -> None:
    worker = Worker(engine)
    worker.start()
    assert worker.stop(5)
    with pytest.raises(CancelledError, match="stopping"):
        worker.call("a", lambda: 1)
