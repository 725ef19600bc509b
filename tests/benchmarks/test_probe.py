"""The probe benchmark: its score finds what is there, nothing where nothing is."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from experiments import answers
from probe import auroc, digits, split, surface
from transformers import Qwen3Config, Qwen3ForCausalLM


def test_a_planted_direction_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(3000) < 0.5
    noise = rng.normal(size=(3000, 16))
    planted = noise + 2 * labels[:, None] * np.eye(16)[0]
    rows = split(3000, seed=0)
    # Two unit Gaussians two apart have an AUROC of 0.92; its standard error here is 0.009.
    assert auroc(planted, labels, rows)[1] == pytest.approx(0.92, abs=0.04)
    # An AUROC of 0.5 on 1,000 rows has a standard error of 0.018.
    assert auroc(noise, labels, rows)[1] == pytest.approx(0.5, abs=0.08)


def test_rows_to_fit_to_choose_and_to_test_are_apart_and_a_third_is_for_the_test() -> None:
    rows = split(3000, seed=1)
    together = np.concatenate([rows.fit, rows.choose, rows.test])
    assert sorted(together.tolist()) == list(range(3000))
    assert len(rows.test) == 1000


def test_problems_carry_once_and_their_sums_have_two_digits() -> None:
    rng = random.Random(0)
    for _ in range(200):
        a, b = answers.one_carry(rng)
        assert a % 10 + b % 10 >= 10
        assert 10 <= a + b <= 99


def test_padding_on_the_right_does_not_reach_the_last_token() -> None:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=4,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config).eval()
    together = answers.last_states(model, [[1, 2, 3, 4, 5], [6, 7]])
    alone = answers.last_states(model, [[6, 7]])
    assert together.shape == (2, 3, 8)
    # float32 sums in another order differ by a few units in the last place.
    assert np.allclose(together[1], alone[0], atol=1e-5)


def test_controls_see_the_operands_and_the_answer_but_not_whether_it_is_right() -> None:
    made = answers.Answers(
        operands=np.array([[15, 27], [38, 24]]),
        given=["42", "1062"],
        tokens=[[1], [2]],
        logprob=np.zeros(2),
        correct=np.array([True, False]),
    )
    assert surface(made)[:, 0].tolist() == [15, 38]
    assert surface(made).shape == (2, 7)
    assert digits(made).shape == (2, 7 * 11)
    assert digits(made).sum(1).tolist() == [7, 7]
