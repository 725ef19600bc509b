"""Graded keys: results are withheld, and the request log shows who waited for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tinker
from tinker import types

from shared.tinker.service.limits import Limits
from shared.tinker.service.request_log import datum_hash
from shared.tinker.service.withhold import steps
from tests.service.conftest import Running, null_service
from tests.service.null_engine import NAME


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    """Withholds for so long that nobody mistakes it for a slow machine."""
    limits = replace(Limits(), withhold_seconds=5.0)
    with null_service(tmp_path / "state", limits=limits) as running:
        yield running


@pytest.fixture
def graded(service: Running, client_for) -> tinker.TrainingClient:
    assert service.inner is not None
    _, key = service.inner.keys.create(name="ada", withhold=True)
    return client_for(service, key).create_lora_training_client(NAME, rank=4).result()


def batch() -> list[types.Datum]:
    given = {"target_tokens": [2, 3], "weights": [1.0, 1.0]}
    return [types.Datum(model_input=types.ModelInput.from_ints([1, 2]), loss_fn_inputs=given)]


def log(service: Running) -> list:
    assert service.inner is not None
    key = next(key for key in service.inner.keys.all() if key.name == "ada")
    return service.inner.log.read(key.id)


def test_who_waits_for_the_loss_is_seen(service: Running, graded: tinker.TrainingClient) -> None:
    begun = time.monotonic()
    graded.forward_backward(batch(), "cross_entropy").result()
    assert time.monotonic() - begun > 4.9  # withheld for five seconds
    graded.optim_step(types.AdamParams()).result()
    assert [step.pipelined for step in steps(log(service))] == [False]


def test_who_sends_ahead_is_seen_and_not_delayed(
    service: Running, graded: tinker.TrainingClient
) -> None:
    begun = time.monotonic()
    for _ in range(3):
        loss = graded.forward_backward(batch(), "cross_entropy")
        step = graded.optim_step(types.AdamParams())
        loss.result(), step.result()
    assert time.monotonic() - begun < 14.9  # three withheld ones take longer
    assert [step.pipelined for step in steps(log(service))] == [True] * 3


def test_a_failed_request_is_told_at_once(graded: tinker.TrainingClient) -> None:
    begun = time.monotonic()
    with pytest.raises(tinker.RequestFailedError):
        graded.forward_backward(batch(), "ppo").result()
    assert time.monotonic() - begun < 4.9


def test_the_log_holds_the_evidence(service: Running, graded: tinker.TrainingClient) -> None:
    graded.forward_backward(batch(), "cross_entropy")
    graded.optim_step(types.AdamParams(learning_rate=0.5)).result()
    path = graded.save_state("one").result().path
    entries = {entry.kind: entry for entry in log(service)}
    assert list(entries) == ["create_model", "forward_backward", "optim_step", "save_weights"]
    assert service.engine is not None
    trained = entries["forward_backward"].facts
    assert trained["loss_fn"] == "cross_entropy"
    assert trained["datums"] == [datum_hash(service.engine.batches[0].data[0])]
    assert trained["metrics"]["loss:sum"] == pytest.approx(0.05)  # float32
    assert entries["optim_step"].facts["learning_rate"] == 0.5
    assert entries["save_weights"].facts["path"] == path
    assert [entry.seq_id for entry in entries.values()] == [None, 1, 2, 3]


def test_what_was_not_drawn_is_not_paid_for(service: Running, client_for) -> None:
    assert service.inner is not None
    key, api_key = service.inner.keys.create(budget_tokens=100)
    client = client_for(service, api_key)
    sampler = client.create_sampling_client(base_model=NAME).result()
    prompt, params = types.ModelInput.from_ints([1]), types.SamplingParams(max_tokens=30)
    sampler.sample(prompt, 2, params).result()
    assert service.inner.keys.get(key.id).spent_tokens == 60
    service.inner.keys.refund(key.id, tokens=50)
    assert service.inner.keys.get(key.id).spent_tokens == 10
