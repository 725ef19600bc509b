"""Where completions end: at the end of text, at own stops, at the last token asked for."""

from __future__ import annotations

import pytest

from tests.service.sampling_models import EOS, base_of, finish, job, new_run, prompts, random_model


@pytest.fixture(scope="module")
def base():
    return base_of(random_model())


def test_the_stop_token_is_the_last_token(base):
    asked = prompts(12, seed=8)
    results = finish(
        new_run(base), *(job(str(i), p, 4, max_tokens=100) for i, p in enumerate(asked))
    )
    reasons = set()
    for result in results.values():
        for completion in result.completions:
            tokens = completion.tokens.tolist()
            reasons.add(completion.stop_reason)
            assert EOS not in tokens[:-1]
            assert (tokens[-1] == EOS) == (completion.stop_reason == "stop")
            assert len(tokens) == 100 or completion.stop_reason == "stop"
    assert reasons == {"stop", "length"}


def test_no_stop_at_all_runs_to_max_tokens_through_ends_of_text(base):
    result = finish(new_run(base), job("a", [4, 5], 16, stop=(), max_tokens=90))["a"]
    assert {len(c.tokens) for c in result.completions} == {90}
    assert {c.stop_reason for c in result.completions} == {"length"}
    assert any(EOS in c.tokens for c in result.completions)


def test_own_stops_come_on_top_of_the_end_of_text(base):
    result = finish(new_run(base), job("a", [4, 5], 32, stop=(17, 40), max_tokens=100))["a"]
    ends = {int(c.tokens[-1]) for c in result.completions if c.stop_reason == "stop"}
    assert ends == {EOS, 17, 40}


def test_stop_strings_end_where_the_text_first_contains_them(base):
    decode = base.tokenizer.decode
    result = finish(new_run(base), job("a", [4, 5], 32, stop=("b", "END"), max_tokens=60))["a"]
    hits = 0
    for completion in result.completions:
        tokens = completion.tokens.tolist()
        whole, before = decode(tokens), decode(tokens[:-1])
        assert not ("b" in before or "END" in before)
        if completion.stop_reason == "stop" and tokens[-1] != EOS:
            assert "b" in whole or "END" in whole
            hits += 1
    assert hits > 5
