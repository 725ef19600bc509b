"""A bad sampling request is refused with what came, what was expected and what to do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.errors import OverLimitError, UserError
from shared.tinker.service.sample_checks import check_job, completion_limit
from shared.tinker.service.types import SampleJob, SamplingParams, ServedModel

MODEL = ServedModel(name="m", tokenizer_id="m", max_context=16, vocab_size=50)


def job(prompt=(1, 2), samples=1, prompt_logprobs=False, topk=0, **params):
    return SampleJob(
        job_id="j",
        prompt=np.array(prompt, np.int64),
        num_samples=samples,
        params=SamplingParams(**{"max_tokens": 4, **params}),
        prompt_logprobs=prompt_logprobs,
        topk_prompt_logprobs=topk,
    )


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (job(prompt=()), "one token or more"),
        (job(prompt=((1, 2), (3, 4))), "shape"),
        (job(prompt=(1, 50)), "Prompt token 50 at position 1"),
        (job(prompt=(-1,)), "Prompt token -1 at position 0"),
        (job(samples=-1), "num_samples is -1"),
        (job(samples=0), "nothing to do"),
        (job(topk=51), "topk_prompt_logprobs is 51"),
        (job(topk=-1), "topk_prompt_logprobs is -1"),
        (job(max_tokens=0), "max_tokens is 0"),
        (job(max_tokens=-5), "max_tokens is -5"),
        (job(temperature=-0.1), "temperature is -0.1"),
        (job(temperature=float("nan")), "temperature is nan"),
        (job(temperature=float("inf")), "temperature is inf"),
        (job(top_k=0), "-1 for no limit"),
        (job(top_k=-2), "top_k is -2"),
        (job(top_p=0.0), "top_p is 0.0"),
        (job(top_p=1.5), "top_p is 1.5"),
        (job(top_p=float("nan")), "top_p is nan"),
        (job(stop=("a", 3)), "mixes"),
        (job(stop=("a", "")), "empty"),
        (job(stop=(50,)), "Stop token 50"),
        (job(stop=(-1,)), "Stop token -1"),
    ],
)
def test_it_is_refused(bad, says):
    with pytest.raises(UserError, match=says):
        check_job(MODEL, bad)


def test_a_prompt_that_leaves_no_room_is_refused_unless_it_is_only_scored():
    with pytest.raises(OverLimitError, match="context holds 16"):
        check_job(MODEL, job(prompt=[1] * 16))
    check_job(MODEL, job(prompt=[1] * 16, prompt_logprobs=True))
    check_job(MODEL, job(prompt=[1] * 16, topk=2))
    with pytest.raises(OverLimitError, match="17 tokens"):
        check_job(MODEL, job(prompt=[1] * 17, prompt_logprobs=True))


@pytest.mark.parametrize(
    "good",
    [
        job(max_tokens=10**15),
        job(temperature=0, top_k=1, top_p=1e-9),
        job(stop=()),
        job(stop=("\n\nUser:",)),
        job(stop=(0, 49), top_k=10**6),
        job(samples=0, prompt_logprobs=True),
    ],
)
def test_it_is_taken(good):
    check_job(MODEL, good)


@given(st.integers(1, 100), st.integers(1, 100), st.integers(1, 10**20))
def test_a_completion_stays_in_the_context_but_has_a_token(context, prompt, max_tokens):
    limit = completion_limit(context, prompt, max_tokens)
    assert 1 <= limit <= max_tokens
    assert prompt + limit <= context or limit == 1
