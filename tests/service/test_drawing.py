"""Tokens are drawn with the probabilities their parameters say, from streams seeds fix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from shared.tinker.service.drawing import Choice, draw, row_key, uniforms

CPU = torch.device("cpu")
DRAWS = 40_000


def expected_distribution(logits, temperature, top_k, top_p):
    """The definition, in float64 and without shortcuts."""
    p = np.exp(np.array(logits, np.float64) / temperature)
    p /= p.sum()
    order = np.argsort(-p)
    if top_k > 0:
        p[order[top_k:]] = 0
        p /= p.sum()
    kept, total = [], 0.0
    for token in order:
        if total >= top_p:
            break
        kept.append(token)
        total += p[token]
    nucleus = np.zeros_like(p)
    nucleus[kept] = p[kept]
    return nucleus / nucleus.sum()


def draw_many(logits, params, seed=0, count=DRAWS):
    keys = np.full(count, row_key(seed, 0), np.uint64)
    uniform = torch.from_numpy(uniforms(keys, np.arange(count, dtype=np.uint64)))
    rows = torch.tensor(logits, dtype=torch.float32).expand(count, -1)
    return draw(rows, Choice.of([params] * count, len(logits), CPU), uniform)


@pytest.mark.parametrize(
    "params",
    [(1.0, -1, 1.0), (0.6, -1, 1.0), (1.8, -1, 1.0), (1.0, 4, 1.0), (1.0, -1, 0.7), (1.3, 6, 0.8)],
    ids=["plain", "cold", "hot", "top-k", "top-p", "all"],
)
def test_frequencies_follow_the_softmax(params):
    logits = np.random.default_rng(1).normal(size=12) * 1.5
    tokens, _ = draw_many(logits.tolist(), params)
    expected = expected_distribution(logits, *params) * DRAWS
    seen = np.bincount(tokens.numpy(), minlength=12)
    assert not seen[expected == 0].any()
    possible = expected > 0
    # The seed is fixed, so this holds always or never; a wrong distribution gives p < 1e-10.
    assert chisquare(seen[possible], expected[possible]).pvalue > 1e-3


def test_rows_with_different_parameters_do_not_disturb_each_other():
    logits = torch.tensor(np.random.default_rng(2).normal(size=(5, 20)), dtype=torch.float32)
    params = [(1.0, -1, 1.0), (0.0, -1, 1.0), (0.5, 3, 1.0), (2.0, -1, 0.5), (1.0, 1, 1.0)]
    uniform = torch.from_numpy(np.random.default_rng(3).random(5))
    tokens, logprobs = draw(logits, Choice.of(params, 20, CPU), uniform)
    for i, one in enumerate(params):
        token, logprob = draw(logits[i : i + 1], Choice.of([one], 20, CPU), uniform[i : i + 1])
        assert int(tokens[i]) == int(token) and float(logprobs[i]) == float(logprob)
    assert int(tokens[1]) == int(logits[1].argmax()) and int(tokens[4]) == int(logits[4].argmax())


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=30),
    st.floats(0.05, 5),
    st.integers(-1, 35).filter(lambda k: k != 0),
    st.floats(0.01, 1.0),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_has_positive_probability_and_its_tempered_logprob(logits, t, k, p, u):
    tokens, logprobs = draw(
        torch.tensor([logits]), Choice.of([(t, k, p)], len(logits), CPU), torch.tensor([u]).double()
    )
    token = int(tokens[0])
    whole = expected_distribution(logits, t, -1, 1.0)
    # float32 softmax of 30 values: relative errors of some 1e-6, and 1e-4 of logits 30 / 0.05.
    assert float(logprobs[0]) == pytest.approx(np.log(whole[token]), rel=1e-5, abs=2e-4)
    rank = int((whole > whole[token]).sum())
    assert k < 0 or rank < k
    limited = expected_distribution(logits, t, k, min(1.0, p + 1e-5))
    ties = np.isclose(whole, whole[token], rtol=1e-4)
    assert limited[ties].sum() > 0


@pytest.mark.parametrize("top_p", [0.02, 0.3, 0.97], ids=["few", "some", "nearly all"])
def test_top_p_is_exact_in_a_vocabulary_larger_than_what_is_looked_at_first(top_p):
    logits = np.random.default_rng(4).normal(size=3000) * 0.5
    tokens, _ = draw_many(logits.tolist(), (1.0, -1, top_p), count=4000)
    expected = expected_distribution(logits, 1.0, -1, top_p)
    # The borders of the nucleus: float32 logprobs may put one more token in or out.
    assert set(tokens.tolist()) <= set(np.argsort(-logits)[: int((expected > 0).sum()) + 1])
    half = np.argsort(-logits)[: int((expected > 0).sum()) // 2]
    share, mass = np.isin(tokens.numpy(), half).mean(), expected[half].sum()
    assert abs(share - mass) < 5 * np.sqrt(0.25 / 4000)  # five standard errors at most


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 1000), st.integers(0, 1 << 20))
def test_uniforms_lie_in_the_half_open_unit_interval(seed, index, position):
    key = np.array([row_key(seed, index)], np.uint64)
    [u] = uniforms(key, np.array([position], np.uint64))
    assert 0 <= u < 1


def test_streams_of_neighbouring_seeds_samples_and_positions_are_unrelated():
    keys = np.array([row_key(s, i) for s in range(30) for i in range(30)], np.uint64)
    assert len(set(keys.tolist())) == 900
    u = np.stack([uniforms(keys, np.full(900, t, np.uint64)) for t in range(30)])
    # 27,000 uniforms: standard error of the mean 0.0018, of a correlation of 899 pairs 0.033;
    # five standard errors each.
    assert abs(u.mean() - 0.5) < 0.009
    for a, b in ((u[:, :-1], u[:, 1:]), (u[:-1], u[1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


def test_extreme_logits_and_uniforms_stay_in_range():
    logits = torch.tensor([[-1e30, 0.0, -1e30], [1e30, 0.0, 0.0], [0.0, 0.0, -1e30]])
    uniform = torch.tensor([0.0, 1 - 2**-53, 1 - 2**-53], dtype=torch.float64)
    for params in ((1.0, -1, 1.0), (1.0, 2, 0.9), (1e-4, -1, 1.0)):
        tokens, _ = draw(logits, Choice.of([params] * 3, 3, CPU), uniform)
        assert tokens.tolist()[:2] == [1, 0] and int(tokens[2]) in (0, 1)
