"""Decoding gives what transformers gives, whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.tinker.service.decode import Limits
from tests.service.sampling_models import (
    CONTEXT,
    base_of,
    finish,
    job,
    logprobs_after,
    new_run,
    prompts,
    random_model,
    tokens_of,
)

# The same float32 sums in another order, over 2 layers of width 32.
LOGPROB_TOLERANCE = 2e-5


@pytest.fixture(scope="module", params=["qwen3", "llama", "llama3"])
def model(request):
    return random_model(request.param)


def test_greedy_tokens_are_those_of_transformers_generate(model):
    asked = prompts(9)
    results = finish(
        new_run(base_of(model)),
        *(job(str(i), p, 2, temperature=0, max_tokens=30) for i, p in enumerate(asked)),
    )
    for i, prompt in enumerate(asked):
        expected = model.generate(
            torch.tensor([prompt]), do_sample=False, max_new_tokens=30, pad_token_id=0
        )[0, len(prompt) :].tolist()
        assert tokens_of(results[str(i)]) == [expected, expected]


def test_logprobs_are_those_of_the_tempered_model(model):
    asked = prompts(6, seed=1)
    results = finish(
        new_run(base_of(model)),
        *(job(str(i), p, 3, temperature=0.5 + i / 4) for i, p in enumerate(asked)),
    )
    for i, prompt in enumerate(asked):
        for completion in results[str(i)].completions:
            tokens = completion.tokens.tolist()
            rows = logprobs_after(model, prompt + tokens, 0.5 + i / 4)[len(prompt) - 1 : -1]
            expected = rows[range(len(tokens)), tokens]
            np.testing.assert_allclose(completion.logprobs, expected, atol=LOGPROB_TOLERANCE)
            assert completion.logprobs.dtype == np.float32


def test_top_k_and_top_p_leave_the_reported_logprobs_alone(model):
    [prompt] = prompts(1, seed=2, shortest=8)
    results = finish(new_run(base_of(model)), job("a", prompt, 4, top_k=3, top_p=0.8))
    for completion in results["a"].completions:
        tokens = completion.tokens.tolist()
        rows = logprobs_after(model, prompt + tokens)[len(prompt) - 1 : -1]
        np.testing.assert_allclose(
            completion.logprobs, rows[range(len(tokens)), tokens], atol=LOGPROB_TOLERANCE
        )
        ranks = (rows > rows[range(len(tokens)), tokens][:, None]).sum(dim=-1)
        assert int(ranks.max()) < 3


def test_greedy_reports_logprobs_at_temperature_one(model):
    [prompt] = prompts(1, seed=3, shortest=5)
    [completion] = finish(new_run(base_of(model)), job("a", prompt, temperature=0))["a"].completions
    tokens = completion.tokens.tolist()
    rows = logprobs_after(model, prompt + tokens)[len(prompt) - 1 : -1]
    expected = rows[range(len(tokens)), tokens]
    np.testing.assert_allclose(completion.logprobs, expected, atol=LOGPROB_TOLERANCE)


def alone(base, asked):
    return {a.job_id: tokens_of(finish(new_run(base), a)[a.job_id]) for a in asked}


@pytest.fixture(scope="module")
def base():
    return base_of(random_model())


@pytest.fixture(scope="module")
def crowd():
    """Jobs of every kind: ragged prompts, two of them equal, several samples, parameters, stops."""
    asked = prompts(7, seed=4)
    asked.append(asked[0])
    kinds = [
        {"temperature": 0.7},
        {"top_k": 5},
        {"top_p": 0.6},
        {"stop": ()},
        {"stop": (17, 40)},
        {"temperature": 0},
        {"stop": ("b", "END")},
        {"max_tokens": 1},
    ]
    return [
        job(f"job{i}", p, 1 + i % 4, seed=i, **{"max_tokens": 5 + 4 * i, **kind})
        for i, (p, kind) in enumerate(zip(asked, kinds, strict=True))
    ]


def test_a_seed_gives_the_same_tokens_whatever_else_is_in_the_batch(base, crowd):
    together = {name: tokens_of(r) for name, r in finish(new_run(base), *crowd).items()}
    assert together == alone(base, crowd)
    backwards = {name: tokens_of(r) for name, r in finish(new_run(base), *crowd[::-1]).items()}
    assert backwards == together


def test_jobs_that_join_between_steps_come_out_as_alone(base, crowd):
    run, results = new_run(base), {}
    for late in crowd:
        run.add([late])
        for result in [*run.step(), *run.step()]:
            results[result.job_id] = tokens_of(result)
    while not run.idle:
        results.update({r.job_id: tokens_of(r) for r in run.step()})
    assert results == alone(base, crowd)


def test_cancelled_jobs_do_not_answer_and_the_others_come_out_as_alone(base, crowd):
    run, results = new_run(base), {}
    run.add(crowd)
    for gone in ("job3", "job6", "job3", "nobody"):
        run.cancel(gone)
        results.update({r.job_id: tokens_of(r) for r in run.step()})
    while not run.idle:
        results.update({r.job_id: tokens_of(r) for r in run.step()})
    left = [j for j in crowd if j.job_id not in ("job3", "job6")]
    assert results == alone(base, left)


def test_cancelling_everything_leaves_an_idle_run_that_can_go_on(base, crowd):
    run = new_run(base)
    run.add(crowd)
    run.step()
    for gone in crowd:
        run.cancel(gone.job_id)
    assert run.idle and run.step() == []
    assert tokens_of(finish(run, crowd[0])["job0"]) == alone(base, crowd[:1])["job0"]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(rows=3),
        Limits(prefill_tokens=8),
        Limits(cache_bytes=40_000),
        Limits(logits=500),
        Limits(rows=1, cache_bytes=1, prefill_tokens=1, logits=1),
    ],
    ids=["rows", "prefill", "cache", "logits", "all"],
)
def test_tight_limits_make_jobs_wait_and_change_nothing_else(base, crowd, limits):
    results = finish(new_run(base, limits), *crowd)
    assert {name: tokens_of(r) for name, r in results.items()} == alone(base, crowd)


def test_samples_of_a_job_differ_and_each_is_the_same_in_a_smaller_job(base):
    [prompt] = prompts(1, seed=5, shortest=6)
    eight = tokens_of(finish(new_run(base), job("a", prompt, 8, stop=()))["a"])
    assert len({tuple(tokens) for tokens in eight}) == 8
    assert tokens_of(finish(new_run(base), job("a", prompt, 3, stop=()))["a"]) == eight[:3]


def test_seeds_matter_and_without_one_calls_differ(base):
    [prompt] = prompts(1, seed=6)

    def sample(seed):
        return tokens_of(finish(new_run(base), job("a", prompt, 2, seed=seed, stop=()))["a"])

    assert sample(1) == sample(1) != sample(2)
    assert sample(-1) == sample(-1) != sample(1)
    assert sample(None) != sample(None)


def test_equal_prompts_and_samples_share_one_prefill(base, monkeypatch):
    from shared.tinker.service import decode

    shapes = []
    monkeypatch.setattr(
        decode,
        "prefill",
        lambda weights, tokens, real=decode.prefill: (
            shapes.append(tuple(tokens.shape)) or real(weights, tokens)
        ),
    )
    finish(new_run(base), job("a", [5, 6, 7], 8), job("b", [5, 6, 7], 4, seed=1), job("c", [9]))
    assert shapes == [(2, 3)]


def test_one_token_needs_no_decoding(base, monkeypatch):
    from shared.tinker.service.kv_cache import Cache

    monkeypatch.delattr(Cache, "decode")
    asked = job("a", [5, 6, 7], 3, max_tokens=1, prompt_logprobs=True)
    result = finish(new_run(base), asked)["a"]
    assert [len(c.tokens) for c in result.completions] == [1, 1, 1]


def test_max_tokens_beyond_the_context_ends_at_the_context(base):
    prompt = prompts(1, seed=9, shortest=20)[0]
    [completion] = finish(new_run(base), job("a", prompt, max_tokens=10**12, stop=()))[
        "a"
    ].completions
    assert len(prompt) + len(completion.tokens) == CONTEXT
    assert completion.stop_reason == "length"
