"""Logprobs of the prompt are the model's, untempered, and nothing is said of its first token."""

from __future__ import annotations

import numpy as np
import pytest

from shared.tinker.errors import UserError
from shared.tinker.service import scoring
from tests.service.sampling_models import (
    CONTEXT,
    base_of,
    finish,
    job,
    logprobs_after,
    new_run,
    prompts,
    random_model,
)

# The same float32 sums in another order, over 2 layers of width 32.
LOGPROB_TOLERANCE = 2e-5


@pytest.fixture(scope="module", params=["qwen3", "llama", "llama3"])
def model(request):
    return random_model(request.param)


@pytest.fixture(scope="module")
def base():
    return base_of(random_model())


def test_a_prompt_as_long_as_the_context_is_scored_and_followed_by_one_token(base):
    prompt = [2 + i % 90 for i in range(CONTEXT)]
    result = finish(new_run(base), job("a", prompt, max_tokens=9, prompt_logprobs=True))["a"]
    assert result.prompt_logprobs is not None and len(result.prompt_logprobs) == CONTEXT
    assert [len(c.tokens) for c in result.completions] == [1]


def test_prompt_logprobs_are_the_models_and_untempered(model):
    asked = prompts(5, seed=10)
    results = finish(
        new_run(base_of(model)),
        *(
            job(str(i), p, i % 2, temperature=0.3, prompt_logprobs=True, topk_prompt_logprobs=i)
            for i, p in enumerate(asked)
        ),
    )
    for i, prompt in enumerate(asked):
        result = results[str(i)]
        rows = logprobs_after(model, prompt)[:-1]
        assert np.isnan(result.prompt_logprobs[0]) and len(result.completions) == i % 2
        np.testing.assert_allclose(
            result.prompt_logprobs[1:],
            rows[range(len(prompt) - 1), prompt[1:]],
            atol=LOGPROB_TOLERANCE,
        )
        if i == 0:
            assert result.topk_tokens is None and result.topk_logprobs is None
            continue
        values, ids = rows.topk(i, dim=-1)
        assert result.topk_tokens[0].tolist() == [0] * i
        assert result.topk_logprobs[0].tolist() == [-99999.0] * i
        assert result.topk_tokens[1:].tolist() == ids.tolist()
        np.testing.assert_allclose(result.topk_logprobs[1:], values, atol=LOGPROB_TOLERANCE)


def test_a_prompt_of_one_token_has_no_logprobs(base):
    asked = job("a", [5], prompt_logprobs=True, topk_prompt_logprobs=2)
    result = finish(new_run(base), asked)["a"]
    assert np.isnan(result.prompt_logprobs).tolist() == [True]
    assert result.topk_logprobs.tolist() == [[-99999.0, -99999.0]]


def test_scores_are_not_given_when_not_asked_for(base):
    result = finish(new_run(base), job("a", [5, 6]))["a"]
    assert result.prompt_logprobs is None and result.topk_tokens is None


def test_scoring_in_slices_gives_the_same(base, monkeypatch):
    asked = job(
        "a", prompts(1, seed=11, shortest=20)[0], prompt_logprobs=True, topk_prompt_logprobs=3
    )
    whole = finish(new_run(base), asked)["a"]
    monkeypatch.setattr(scoring, "SLAB", 300)  # three positions at a time
    sliced = finish(new_run(base), asked)["a"]
    # A matrix product over other rows may sum in another order.
    np.testing.assert_allclose(sliced.prompt_logprobs, whole.prompt_logprobs, atol=1e-6)
    assert np.array_equal(sliced.topk_tokens, whole.topk_tokens)


def test_weights_that_are_nan_are_told_in_words(base):
    broken = base_of(random_model())
    broken.model.model.norm.weight.data.fill_(float("nan"))
    run = new_run(broken)
    run.add([job("a", [5, 6], 2)])
    with pytest.raises(UserError, match="learning rate"):
        run.step()
