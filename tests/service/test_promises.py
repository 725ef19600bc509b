"""Promises: made once, kept in order, waited for, given up, remembered after a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tinker
from tinker import types

from shared.tinker.service.limits import Limits
from tests.service.calls import new_model, new_session, retrieve, sample, step, steps_taken
from tests.service.conftest import Running, null_service, until
from tests.service.null_engine import NAME, NullEngine


@pytest.fixture
def quick(tmp_path: Path, short_limits: Limits) -> Iterator[Running]:
    """A service that waits for nobody long."""
    with null_service(tmp_path / "state", limits=short_limits) as running:
        yield running


def test_a_repeated_request_is_done_once(service: Running) -> None:
    model = new_model(service)
    first, again = step(service, model, 1), step(service, model, 1)
    assert first == again
    assert retrieve(service, first["request_id"]) == retrieve(service, first["request_id"])
    assert steps_taken(service, model) == 1


def test_requests_that_arrive_out_of_order_wait_for_their_turn(service: Running) -> None:
    model = new_model(service)
    late, middle, first = (step(service, model, n, rate=n / 8) for n in (3, 2, 1))
    for promise in (first, middle, late):
        assert retrieve(service, promise["request_id"])[0] == 200
    assert service.engine is not None
    assert service.engine.models[model].learning_rates == [1 / 8, 2 / 8, 3 / 8]


def test_a_gap_is_waited_for_only_so_long(quick: Running) -> None:
    model = new_model(quick)
    promise = step(quick, model, 2)
    until(lambda: steps_taken(quick, model) == 1)
    assert retrieve(quick, promise["request_id"])[0] == 200
    refused = retrieve(quick, step(quick, model, 1)["request_id"])[1]
    assert refused["category"] == "user"
    assert "arrived after 2" in refused["error"]


def test_a_pending_answer_is_408_with_its_reason(quick: Running) -> None:
    model = new_model(quick)
    assert quick.engine is not None
    quick.engine.gate.clear()
    promise = step(quick, model, 1)
    assert retrieve(quick, promise["request_id"]) == (
        408,
        {"type": "try_again", "queue_state": "active"},
    )
    quick.engine.gate.set()
    assert retrieve(quick, promise["request_id"])[0] == 200


def test_a_poll_is_answered_the_moment_the_work_is_done(service: Running) -> None:
    model = new_model(service)
    assert service.engine is not None
    service.engine.gate.clear()
    promise = step(service, model, 1)
    threading.Timer(0.2, service.engine.gate.set).start()
    assert retrieve(service, promise["request_id"])[0] == 200  # 408 came only after 20 s


def test_the_sdk_waits_through_408(quick: Running, client_for) -> None:
    client = client_for(quick)
    model = client.create_lora_training_client(NAME, rank=4).result()
    assert quick.engine is not None
    quick.engine.gate.clear()
    waiting = model.optim_step(types.AdamParams())
    time.sleep(1.0)  # three polls of 0.3 s
    quick.engine.gate.set()
    assert waiting.result().metrics is not None


def test_a_cancelled_sample_stops_between_two_steps(service: Running) -> None:
    session = new_session(service)
    assert service.engine is not None
    service.engine.seconds = 0.01
    promise = sample(service, session, tokens=4000)
    until(lambda: service.engine and service.engine.calls.count("step") > 2)
    status, _ = service.post("/api/v1/cancel_future", {"request_id": promise["request_id"]})
    assert status == 204
    assert "gave this request up" in retrieve(service, promise["request_id"])[1]["error"]
    until(lambda: service.engine and service.engine.cancelled == [promise["request_id"]])
    assert service.engine.calls.count("step") < 1000


def test_a_cancelled_sdk_sample_is_cancelled_in_the_engine(service: Running, client_for) -> None:
    sampler = client_for(service).create_sampling_client(base_model=NAME).result()
    assert service.engine is not None
    service.engine.seconds = 0.01
    waiting = sampler.sample(
        types.ModelInput.from_ints([1]), 1, types.SamplingParams(max_tokens=4000)
    )
    until(lambda: service.engine and service.engine.calls.count("step") > 2)
    waiting.future().cancel()
    until(lambda: service.engine and service.engine.cancelled)


def test_work_that_was_given_up_before_it_began_is_never_done(service: Running) -> None:
    model = new_model(service)
    assert service.engine is not None
    service.engine.gate.clear()
    running, queued = step(service, model, 1), step(service, model, 2)
    service.post("/api/v1/cancel_future", {"request_id": queued["request_id"]})
    service.engine.gate.set()
    assert retrieve(service, running["request_id"])[0] == 200
    assert retrieve(service, queued["request_id"])[1]["category"] == "user"
    assert steps_taken(service, model) == 1


def test_a_silent_session_ends_and_frees_what_it_had(quick: Running) -> None:
    session = new_session(quick)
    model = new_model(quick, session)
    assert quick.engine is not None
    quick.engine.seconds = 0.01
    promise = sample(quick, session, tokens=4000)
    until(lambda: quick.engine and not quick.engine.models)
    until(lambda: quick.engine and quick.engine.cancelled == [promise["request_id"]])
    assert "no heartbeat" in retrieve(quick, promise["request_id"])[1]["error"]
    status, told = quick.post("/api/v1/session_heartbeat", {"session_id": session})
    assert (status, "no heartbeat" in told["error"]) == (410, True)
    status, told = quick.post("/api/v1/optim_step", {"model_id": model, "seq_id": 1})
    assert (status, "no longer in memory" in told["error"]) == (404, True)


def test_heartbeats_keep_a_session_alive(quick: Running) -> None:
    session = new_session(quick)
    model = new_model(quick, session)
    end = time.monotonic() + 2.5  # heartbeat_seconds is 1.5
    while time.monotonic() < end:
        assert quick.post("/api/v1/session_heartbeat", {"session_id": session})[0] == 200
        time.sleep(0.2)
    assert steps_taken(quick, model) == 0


def test_a_session_ends_while_its_model_is_being_made(quick: Running) -> None:
    session = new_session(quick)
    assert quick.engine is not None
    quick.engine.gate.clear()
    asked = {"session_id": session, "model_seq_id": 0, "base_model": NAME}
    quick.post("/api/v1/create_model", asked)
    until(lambda: quick.engine and "create_model" in quick.engine.calls)
    assert quick.post(f"/api/v1/sessions/{session}/finish", {"reason": {"type": "x"}})[0] == 204
    quick.engine.gate.set()
    until(lambda: quick.engine and "forget_model" in quick.engine.calls)
    assert not quick.engine.models


def test_too_many_unfinished_requests_are_held_off(tmp_path: Path) -> None:
    with null_service(tmp_path / "state", limits=replace(Limits(), queued=2)) as service:
        model = new_model(service)
        assert service.engine is not None
        service.engine.gate.clear()
        step(service, model, 1), step(service, model, 2)
        asked = {"model_id": model, "seq_id": 3, "adam_params": {}}
        assert service.post("/api/v1/optim_step", asked)[0] == 429
        service.engine.gate.set()
        until(lambda: service.post("/api/v1/optim_step", asked)[0] == 200)


def test_models_of_one_session_are_capped(tmp_path: Path) -> None:
    with null_service(tmp_path / "state", limits=replace(Limits(), models=1)) as service:
        session = new_session(service)
        new_model(service, session)
        asked = {"session_id": session, "model_seq_id": 1, "base_model": NAME}
        promise = service.post("/api/v1/create_model", asked)[1]
        assert "at most 1" in retrieve(service, promise["request_id"])[1]["error"]


def test_the_oldest_snapshot_makes_room(tmp_path: Path, client_for) -> None:
    with null_service(tmp_path / "state", limits=replace(Limits(), snapshots=2)) as service:
        model = client_for(service).create_lora_training_client(NAME, rank=4).result()
        samplers = [model.save_weights_and_get_sampling_client().result() for _ in range(3)]
        prompt, params = types.ModelInput.from_ints([1]), types.SamplingParams(max_tokens=1)
        assert samplers[-1].sample(prompt, 1, params).result()
        with pytest.raises(tinker.NotFoundError, match="2 newer ones took its place"):
            samplers[0].sample(prompt, 1, params).result()
        assert service.engine is not None
        assert len(service.engine.samplers) == 2


def test_retrieved_answers_leave_memory_but_not_the_store(tmp_path: Path) -> None:
    with null_service(tmp_path / "state", limits=replace(Limits(), keep_seconds=0)) as service:
        model = new_model(service)
        promise = step(service, model, 1)
        first = retrieve(service, promise["request_id"])
        assert service.inner is not None
        futures = service.inner.futures
        until(lambda: futures.unfinished("") == 0 and not futures.in_memory())
        assert retrieve(service, promise["request_id"]) == first


def test_an_unknown_request_is_refused(service: Running) -> None:
    assert retrieve(service, "nobody:sample:0:1")[0] == 400
    assert service.post("/api/v1/cancel_future", {"request_id": "x"})[0] == 204


def test_a_full_disk_is_the_services_fault_and_the_old_checkpoint_stays(tmp_path: Path) -> None:
    with null_service(tmp_path / "state") as service:
        model = new_model(service)
        asked = {"model_id": model, "path": "a", "seq_id": 1}
        promise = service.post("/api/v1/save_weights", asked)[1]
        path = retrieve(service, promise["request_id"])[1]["path"]
        assert service.engine is not None and service.inner is not None
        service.engine.fail_with = OSError(28, "No space left on device")
        asked = {"model_id": model, "path": "a", "seq_id": 2, "overwrite": True}
        promise = service.post("/api/v1/save_weights", asked)[1]
        told = retrieve(service, promise["request_id"])[1]
        assert told["category"] == "server"
        assert "No space left" in told["error"]
        assert service.inner.checkpoints.resolve(path, "owner").is_dir()


def test_a_slow_session_does_not_starve_another(tmp_path: Path) -> None:
    engine = NullEngine()
    with null_service(tmp_path / "state", engine=engine) as service:
        busy, other = new_model(service), new_model(service)
        engine.gate.clear()
        promises = [step(service, busy, n) for n in range(1, 11)]
        last = step(service, other, 1)
        engine.seconds = 0.2
        engine.gate.set()
        assert retrieve(service, last["request_id"])[0] == 200
        assert steps_taken(service, busy) < 10
        assert retrieve(service, promises[-1]["request_id"])[0] == 200
