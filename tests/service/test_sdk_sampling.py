"""The unmodified SDK against the service: sampling and scoring."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import tinker
from tinker import types

from tests.service.conftest import Running, until
from tests.service.null_engine import NAME

ClientFor = Callable[..., tinker.ServiceClient]


def sampled(answer: types.SampleResponse) -> list[list[int]]:
    return [list(sequence.tokens) for sequence in answer.sequences]


def test_a_snapshot_keeps_the_weights_of_its_moment(model: tinker.TrainingClient) -> None:
    prompt = types.ModelInput.from_ints([10])
    params = types.SamplingParams(max_tokens=3)
    before = model.save_weights_and_get_sampling_client().result()
    model.optim_step(types.AdamParams()).result()
    after = model.save_weights_and_get_sampling_client().result()
    assert sampled(before.sample(prompt, 1, params).result()) == [[11, 12, 13]]
    assert sampled(after.sample(prompt, 1, params).result()) == [[12, 13, 14]]


def test_inflight_samplers_move_with_their_model(model: tinker.TrainingClient) -> None:
    prompt, params = types.ModelInput.from_ints([10]), types.SamplingParams(max_tokens=1)
    first = model.save_weights_and_get_sampling_client(kind="inflight").result()
    fixed = model.save_weights_and_get_sampling_client().result()
    model.optim_step(types.AdamParams()).result()
    model.save_weights_and_get_sampling_client(kind="inflight").result()
    assert sampled(first.sample(prompt, 1, params).result()) == [[12]]
    assert sampled(fixed.sample(prompt, 1, params).result()) == [[11]]


def test_saved_weights_are_sampled_from(
    client: tinker.ServiceClient, model: tinker.TrainingClient
) -> None:
    model.optim_step(types.AdamParams()).result()
    path = model.save_weights_for_sampler("s").result().path
    sampler = client.create_sampling_client(model_path=path).result()
    answer = sampler.sample(
        types.ModelInput.from_ints([10]), 2, types.SamplingParams(max_tokens=2)
    ).result()
    assert sampled(answer) == [[12, 13], [12, 13]]
    assert [s.stop_reason for s in answer.sequences] == ["length", "length"]
    assert len({s.sequence_id for s in answer.sequences}) == 2


def test_prompt_logprobs_come_with_their_top_k(client: tinker.ServiceClient) -> None:
    sampler = client.create_sampling_client(base_model=NAME).result()
    prompt, params = types.ModelInput.from_ints([10, 20, 30]), types.SamplingParams(max_tokens=1)
    whole = sampler.sample(
        prompt, 1, params, include_prompt_logprobs=True, topk_prompt_logprobs=2
    ).result()
    # float32: hundredths are not exact in it
    assert whole.prompt_logprobs == [None, pytest.approx(-0.2), pytest.approx(-0.3)]
    assert whole.topk_prompt_logprobs is not None
    assert whole.topk_prompt_logprobs[1] == [(0, -0.5), (1, -1.5)]
    last = sampler.sample(
        prompt, 1, params, include_prompt_logprobs=True, prompt_logprobs_last_n=1
    ).result()
    assert last.prompt_logprobs == [None, None, pytest.approx(-0.3)]
    assert sampler.compute_logprobs(prompt).result() == whole.prompt_logprobs


def test_many_samples_decode_in_few_batches(service: Running, client: tinker.ServiceClient) -> None:
    sampler = client.create_sampling_client(base_model=NAME).result()
    params = types.SamplingParams(max_tokens=20)
    assert service.engine is not None
    service.engine.gate.clear()
    sent = [sampler.sample(types.ModelInput.from_ints([n]), 1, params) for n in range(64)]
    until(lambda: service.inner and service.inner.worker.queued() == 64, seconds=30)
    service.engine.gate.set()
    for n, one in enumerate(sent):
        assert sampled(one.result())[0][0] == n + 1
    assert max(service.engine.batch_sizes) > 32
    assert len(service.engine.batch_sizes) == 2  # the first to come, and all others


def test_jobs_of_one_base_model_meet_in_one_run(service: Running, client_for: ClientFor) -> None:
    samplers = [
        client_for(service).create_sampling_client(base_model=NAME).result() for _ in range(3)
    ]
    assert service.engine is not None
    service.engine.gate.clear()
    params = types.SamplingParams(max_tokens=2)
    sent = [s.sample(types.ModelInput.from_ints([1]), 1, params) for s in samplers]
    until(lambda: service.inner and service.inner.worker.queued() == 3)
    service.engine.gate.set()
    for one in sent:
        one.result()
    assert service.engine.calls.count("open_sampler") == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"num_samples": 0}, "num_samples is 0"),
        ({"sampling_params": types.SamplingParams(max_tokens=10**9)}, "max_tokens"),
        ({"sampling_params": types.SamplingParams(max_tokens=0)}, "max_tokens"),
        ({"prompt": types.ModelInput.from_ints([])}, "empty"),
        ({"prompt": types.ModelInput.from_ints([10**6])}, "below 300"),
        ({"topk_sample_logprobs": 3}, "topk_sample_logprobs"),
    ],
)
def test_a_bad_sample_is_told(
    client: tinker.ServiceClient, options: dict[str, object], reason: str
) -> None:
    sampler = client.create_sampling_client(base_model=NAME).result()
    given = {
        "prompt": types.ModelInput.from_ints([1]),
        "num_samples": 1,
        "sampling_params": types.SamplingParams(max_tokens=1),
    }
    with pytest.raises(tinker.RequestFailedError, match=reason):
        sampler.sample(**given | options).result()
    assert sampled(sampler.sample(**given).result()) == [[2]]


def test_a_pickled_sampling_client_samples_in_the_same_session(
    client: tinker.ServiceClient,
) -> None:
    sampler = client.create_sampling_client(base_model=NAME).result()
    copy = pickle.loads(pickle.dumps(sampler))
    prompt, params = types.ModelInput.from_ints([7]), types.SamplingParams(max_tokens=1)
    assert sampled(sampler.sample(prompt, 1, params).result()) == [[8]]
    assert sampled(copy.sample(prompt, 1, params).result()) == [[8]]
