"""The SDK against the real engine in its own process: the whole way, once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tinker
from tinker import types

from shared.models import base
from tests.service.conftest import Running

pytestmark = pytest.mark.slow


def data() -> list[types.Datum]:
    random = np.random.default_rng(0)
    return [
        types.Datum(
            model_input=types.ModelInput.from_ints(random.integers(0, 200, n).tolist()),
            loss_fn_inputs={
                "target_tokens": random.integers(0, 200, n).tolist(),
                "weights": [1.0] * n,
            },
        )
        for n in (5, 9, 3)
    ]


def test_train_save_sample_and_load(tiny_service: Running, client_for) -> None:
    client = client_for(tiny_service)
    model = client.create_lora_training_client(base.NAME, rank=8, seed=1).result()
    losses: list[float] = []
    for _ in range(5):
        found = model.forward_backward(data(), "cross_entropy")
        model.optim_step(types.AdamParams(learning_rate=1e-3, eps=1e-8))
        losses.append(found.result().metrics["loss:sum"])
    assert losses[-1] < losses[0]
    path = model.save_state("five").result().path
    again = client.create_training_client_from_state_with_optimizer(path).result()
    ours = model.forward(data(), "cross_entropy").result()
    theirs = again.forward(data(), "cross_entropy").result()
    for one, other in zip(ours.loss_fn_outputs, theirs.loss_fn_outputs, strict=True):
        np.testing.assert_array_equal(one["logprobs"].to_numpy(), other["logprobs"].to_numpy())
    prompt, params = types.ModelInput.from_ints([5, 6]), types.SamplingParams(max_tokens=8, seed=3)
    snapshot = model.save_weights_and_get_sampling_client().result()
    saved = client.create_sampling_client(
        model_path=model.save_weights_for_sampler("s").result().path
    ).result()
    drawn = [s.sample(prompt, 2, params).result().sequences for s in (snapshot, saved)]
    assert [list(one.tokens) for one in drawn[0]] == [list(one.tokens) for one in drawn[1]]


def test_bad_requests_are_told_by_the_real_engine(tiny_service: Running, client_for) -> None:
    client = client_for(tiny_service)
    model = client.create_lora_training_client(base.NAME, rank=4).result()
    (good, *_) = data()
    bad = types.Datum(
        model_input=types.ModelInput.from_ints([1, 2]),
        loss_fn_inputs={"target_tokens": [1], "weights": [1.0]},
    )
    for batch, loss in (([bad], "cross_entropy"), ([good], "stable_reinforce")):
        with pytest.raises(tinker.RequestFailedError) as caught:
            model.forward_backward(batch, loss).result()
        assert caught.value.category == types.RequestErrorCategory.User
    assert model.forward_backward([good], "cross_entropy").result().metrics["loss:sum"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_loads_no_library_that_it_does_not_need(
    tiny_service: Running, client_for
) -> None:
    client_for(tiny_service).create_lora_training_client(base.NAME, rank=4).result()
    assert tiny_service.process is not None
    mapped = Path(f"/proc/{tiny_service.process.pid}/maps").read_text()
    assert "/torch/" in mapped
    assert not [name for name in ("/sklearn/", "/scipy/", "/pandas/") if name in mapped]
