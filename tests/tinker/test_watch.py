"""A server that dies in the middle of work is told within five seconds, to every client."""

from __future__ import annotations

import os
import signal

import pytest
import tinker

from shared.tinker import connect
from shared.tinker.embedded import EmbeddedService
from shared.tinker.errors import UnreachableError

from .conftest import Named

pytestmark = pytest.mark.usefixtures("fake")
Services = dict[bool, EmbeddedService]


def datum() -> tinker.Datum:
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints([1, 2]),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(data=[2, 3], dtype="int64", shape=[2]),
            "weights": tinker.TensorData(data=[1.0, 1.0], dtype="float32", shape=[2]),
        },
    )


def use(monkeypatch: pytest.MonkeyPatch, named: Named, key: str | None = None) -> None:
    monkeypatch.setenv("TINKER_BASE_URL", named.running.url)
    monkeypatch.setenv("TINKER_API_KEY", key or named.running.key)


@pytest.mark.parametrize("kind", ["training", "sampling"])
def test_a_killed_service_ends_pending_and_new_work(fresh: Services, kind: str) -> None:
    service = connect()
    training = service.create_lora_training_client("labkit/tiny", rank=4).result()
    sampling = service.create_sampling_client(base_model="labkit/tiny").result()
    if kind == "training":
        pending = training.forward_backward([datum()], "cross_entropy").future()
    else:
        prompt, how = tinker.ModelInput.from_ints([1]), tinker.SamplingParams(max_tokens=1)
        pending = sampling.sample(prompt, 1, how).future()
    os.kill(fresh[False].pid, signal.SIGKILL)
    with pytest.raises(UnreachableError, match=r"has ended .killed by SIGKILL"):
        pending.result(5)  # promised: within five seconds
    with pytest.raises(UnreachableError):
        service.create_lora_training_client("labkit/tiny").result(5)
    with pytest.raises(UnreachableError):
        service.create_sampling_client(base_model="labkit/tiny").result(5)


def test_clients_that_connect_did_not_make_are_told_too(fresh: Services) -> None:
    connect()
    service = fresh[False]
    other = tinker.ServiceClient(base_url=service.url, api_key=service.key)
    training = other.create_lora_training_client("labkit/tiny", rank=4).result()
    pending = training.forward_backward([datum()], "cross_entropy").future()
    os.kill(service.pid, signal.SIGKILL)
    told = (ValueError, tinker.APIStatusError)  # while it polls, while it submits
    with pytest.raises(told, match="has ended: killed by SIGKILL"):
        pending.result(5)


def test_a_named_server_that_dies_is_told_within_five_seconds(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, named)
    training = connect().create_lora_training_client("labkit/tiny", rank=4).result()
    pending = training.forward_backward([datum()], "cross_entropy").future()
    named.kill()
    with pytest.raises(UnreachableError, match="nothing listens there any more"):
        pending.result(5)


def test_a_named_server_that_comes_back_was_never_gone(
    named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, named)
    service = connect()
    service.create_lora_training_client("labkit/tiny", rank=4).result()
    named.kill()
    second = Named.start(named.state, int(named.running.url.rsplit(":", 1)[1]))
    try:
        service.create_lora_training_client("labkit/tiny", rank=4).result(5)
    finally:
        second.kill()
