"""The unmodified SDK samples from the real service what transformers computes from its model."""

from __future__ import annotations

import numpy as np
import pytest
import tinker
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from shared.models.base import NAME, folder

# The same float32 sums in another order, over 4 layers of width 128.
LOGPROB_TOLERANCE = 5e-5


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(folder(), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(folder())


@pytest.fixture
def client(tiny_service, client_for):
    return client_for(tiny_service)


@pytest.fixture
def sampler(client):
    return client.create_sampling_client(base_model=NAME).result()


def logprobs_after(model, tokens, temperature=1.0):
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0]
    return torch.log_softmax(logits.double() / temperature, dim=-1)


def sample(sampler, prompt, count=1, **fields):
    params = tinker.SamplingParams(**{"max_tokens": 16, "seed": 3, **fields})
    return sampler.sample(tinker.ModelInput.from_ints(prompt), count, params)


PROMPTS = ("Question: What is 12 + 30?\nAnswer:", "The cat", "User: Hello!\n\nAssistant:")


def test_greedy_samples_are_those_of_transformers_generate(sampler, model, tokenizer):
    asked = [tokenizer.encode(text) for text in PROMPTS]
    futures = [sample(sampler, prompt, 2, temperature=0) for prompt in asked]
    for prompt, future in zip(asked, futures, strict=True):
        ids = torch.tensor([prompt])
        mask = torch.ones_like(ids)  # else generate takes token 0 in the prompt for padding
        expected = model.generate(
            ids, attention_mask=mask, do_sample=False, max_new_tokens=16, pad_token_id=0
        )[0, len(prompt) :].tolist()
        assert [s.tokens for s in future.result().sequences] == [expected] * 2


def test_compute_logprobs_are_the_models(sampler, model, tokenizer):
    tokens = tokenizer.encode(" ".join(PROMPTS))
    got = sampler.compute_logprobs(tinker.ModelInput.from_ints(tokens)).result()
    rows = logprobs_after(model, tokens)[:-1]
    assert got[0] is None
    expected = rows[range(len(tokens) - 1), tokens[1:]]
    np.testing.assert_allclose(got[1:], expected, atol=LOGPROB_TOLERANCE)


def test_top_prompt_logprobs_are_the_models(sampler, model, tokenizer):
    tokens = tokenizer.encode(PROMPTS[0])
    result = sampler.sample(
        tinker.ModelInput.from_ints(tokens),
        1,
        tinker.SamplingParams(max_tokens=1),
        include_prompt_logprobs=True,
        topk_prompt_logprobs=3,
    ).result()
    values, ids = logprobs_after(model, tokens)[:-1].topk(3, dim=-1)
    assert result.topk_prompt_logprobs[0] is None
    for got, best, logprobs in zip(result.topk_prompt_logprobs[1:], ids, values, strict=True):
        assert [token for token, _ in got] == best.tolist()
        np.testing.assert_allclose([lp for _, lp in got], logprobs, atol=LOGPROB_TOLERANCE)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.8])
def test_sample_logprobs_are_under_the_tempered_model(sampler, model, tokenizer, temperature):
    prompt = tokenizer.encode(PROMPTS[1])
    for sequence in sample(sampler, prompt, 4, temperature=temperature).result().sequences:
        tokens = sequence.tokens
        rows = logprobs_after(model, prompt + tokens, temperature)[len(prompt) - 1 : -1]
        np.testing.assert_allclose(
            sequence.logprobs, rows[range(len(tokens)), tokens], atol=LOGPROB_TOLERANCE
        )


def test_a_seed_gives_the_same_samples_alone_and_in_a_crowd(sampler, tokenizer):
    prompt = tokenizer.encode(PROMPTS[1])
    alone = [s.tokens for s in sample(sampler, prompt, 4, seed=11).result().sequences]
    crowd = [sample(sampler, tokenizer.encode(p), 3, seed=i) for i, p in enumerate(PROMPTS * 4)]
    again = sample(sampler, prompt, 4, seed=11)
    assert [s.tokens for s in again.result().sequences] == alone
    assert len({tuple(tokens) for tokens in alone}) > 1
    assert all(len(future.result().sequences) == 3 for future in crowd)


def test_a_stop_string_ends_a_sample_and_stays_in_it(sampler, tokenizer):
    prompt = tokenizer.encode("User: Hello!\n\nAssistant:")
    sequences = sample(sampler, prompt, 16, max_tokens=200, stop=["e"]).result().sequences
    stopped = [s for s in sequences if "e" in tokenizer.decode(s.tokens)]
    assert stopped
    for sequence in stopped:
        assert "e" not in tokenizer.decode(sequence.tokens[:-1])
        assert sequence.stop_reason == "stop"


def test_a_trained_sampler_agrees_with_the_trainer(client, tokenizer):
    training = client.create_lora_training_client(base_model=NAME, rank=8, seed=5).result()
    tokens = tokenizer.encode(PROMPTS[0] + " 42.")
    datum = tinker.Datum(
        model_input=tinker.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData.from_numpy(np.array(tokens[1:])),
            "weights": tinker.TensorData.from_numpy(np.ones(len(tokens) - 1, np.float32)),
        },
    )
    for _ in range(3):
        training.forward_backward([datum], "cross_entropy").result()
        training.optim_step(tinker.AdamParams(learning_rate=1e-2)).result()
    result = training.forward([datum], "cross_entropy").result()
    trained = result.loss_fn_outputs[0]["logprobs"].to_numpy()
    sampler = training.save_weights_and_get_sampling_client().result()
    got = sampler.compute_logprobs(tinker.ModelInput.from_ints(tokens)).result()
    # W + s B A rounded once here, W x + s B (A x) there.
    np.testing.assert_allclose(got[1:], trained, atol=LOGPROB_TOLERANCE)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_k": 0}, "top_k is 0"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"stop": [10**6]}, "Stop token 1000000"),
    ],
    ids=["temperature", "top_p", "top_k", "no tokens", "too many tokens", "stop token"],
)
def test_bad_parameters_are_told_and_the_client_goes_on(sampler, fields, says):
    with pytest.raises(tinker.TinkerError, match=says):
        sample(sampler, [5, 6, 7], **fields).result()
    assert len(sample(sampler, [5, 6, 7]).result().sequences) == 1


def test_a_token_the_model_does_not_have_is_told(sampler):
    with pytest.raises(tinker.TinkerError, match="Prompt token 99999 at position 1"):
        sample(sampler, [5, 99999]).result()
