"""The log keeps order without clocks, hashes instead of data, and everything over a restart."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.tinker.service import request_log
from shared.tinker.service.request_log import RequestLog, datum_hash
from shared.tinker.service.store import OWNER, Store
from shared.tinker.service.types import Datum

DATUM = Datum(
    tokens=np.array([1, 2, 3], dtype=np.int64),
    inputs={
        "target_tokens": np.array([2, 3, 4], dtype=np.int64),
        "weights": np.array([0.0, 1.0, 1.0], dtype=np.float32),
    },
)


@pytest.fixture
def store(tmp_path: Path):
    store = Store.open(tmp_path / "state", clock=iter(range(100, 100_000)).__next__)
    yield store
    store.close()


@pytest.fixture
def log(store: Store) -> RequestLog:
    return RequestLog(store)


def test_an_entry_says_what_was_asked_and_what_came_of_it(log: RequestLog) -> None:
    order = log.arrived(
        "ana", "s1", "forward_backward", model_id="m", seq_id=1, loss_fn="ppo", datums=["aa"]
    )
    log.note(order, path="tinker://m/weights/a")
    log.released(order, metrics={"loss:sum": 1.5})
    (entry,) = log.read("ana")
    assert (entry.kind, entry.model_id, entry.seq_id) == ("forward_backward", "m", 1)
    assert entry.facts == {
        "loss_fn": "ppo",
        "datums": ["aa"],
        "path": "tinker://m/weights/a",
        "metrics": {"loss:sum": 1.5},
    }
    assert entry.released_at is not None and entry.released_at > entry.arrived_at


def test_arrivals_and_releases_share_one_order(log: RequestLog) -> None:
    first = log.arrived("ana", "s1", "forward_backward")
    log.released(first)
    second = log.arrived("ana", "s1", "optim_step")
    (one, two) = log.read("ana")
    assert one.arrival_order == first < (one.release_order or 0) < two.arrival_order == second
    assert two.release_order is None


def test_only_the_first_release_counts(log: RequestLog) -> None:
    order = log.arrived("ana", "s1", "optim_step")
    log.released(order)
    before = log.read("ana")
    log.released(order)
    assert log.read("ana") == before


def test_a_restart_keeps_the_log_and_goes_on_counting(store: Store, log: RequestLog) -> None:
    order = log.arrived("ana", "s1", "optim_step")
    log.released(order)
    later = RequestLog(store)
    assert later.read("ana") == log.read("ana")
    assert later.arrived("ana", "s1", "optim_step") > (log.read("ana")[0].release_order or 0)


def test_a_key_a_session_and_a_model_can_be_asked_for(log: RequestLog) -> None:
    log.arrived("ana", "s1", "optim_step", model_id="m1")
    log.arrived("ana", "s2", "optim_step", model_id="m2")
    log.arrived("bo", "s3", "optim_step", model_id="m3")
    assert [one.model_id for one in log.read("ana")] == ["m1", "m2"]
    assert [one.model_id for one in log.read("ana", session_id="s2")] == ["m2"]
    assert [one.model_id for one in log.read("ana", model_id="m1")] == ["m1"]
    assert log.read("bo", model_id="m1") == []


def test_pages_follow_each_other(log: RequestLog) -> None:
    orders = [log.arrived("ana", "s1", "asample") for _ in range(5)]
    first = log.read("ana", limit=2)
    rest = log.read("ana", after=first[-1].arrival_order)
    assert [one.arrival_order for one in (*first, *rest)] == orders


def test_numbers_that_json_lacks_are_named(log: RequestLog) -> None:
    log.arrived("ana", "s1", "optim_step", values=[float("nan"), float("inf"), 1.0])
    assert log.read("ana")[0].facts == {"values": ["nan", "inf", 1.0]}


def test_the_owners_own_log_is_cut_and_a_graded_one_is_not(
    log: RequestLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "OWNER_KEPT", 5)
    monkeypatch.setattr(request_log, "_PRUNE_EVERY", 2)
    for _ in range(20):
        log.released(log.arrived(OWNER, "s1", "asample"))
        log.arrived("ana", "s2", "asample")
    assert len(log.read(OWNER)) == 5 and len(log.read("ana")) == 20


def test_threads_get_numbers_of_their_own(log: RequestLog) -> None:
    orders: list[int] = []

    def work() -> None:
        for _ in range(50):
            order = log.arrived("ana", "s1", "asample")
            log.released(order)
            orders.append(order)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = log.read("ana")
    numbers = orders + [one.release_order for one in entries if one.release_order]
    assert len(set(numbers)) == 400 == len(numbers)
    assert all((one.release_order or 0) > one.arrival_order for one in entries)


def test_equal_datums_hash_alike_whatever_their_memory_layout() -> None:
    other = Datum(
        tokens=np.array([1, 9, 2, 9, 3, 9], dtype=np.int64)[::2],
        inputs=dict(reversed(list(DATUM.inputs.items()))),
    )
    assert datum_hash(DATUM) == datum_hash(other)
    assert len(datum_hash(DATUM)) == 64


def test_every_part_of_a_datum_changes_its_hash() -> None:
    weights = DATUM.inputs["weights"]
    others = [
        replace(DATUM, tokens=np.array([1, 2, 4], dtype=np.int64)),
        replace(DATUM, inputs={**DATUM.inputs, "weights": weights * 2}),
        replace(DATUM, inputs={**DATUM.inputs, "weights": weights.reshape(3, 1)}),
        replace(DATUM, inputs={**DATUM.inputs, "weights": weights.astype(np.int64)}),
        replace(DATUM, inputs={**DATUM.inputs, "mask": weights}),
    ]
    assert len({datum_hash(one) for one in (DATUM, *others)}) == 6
