"""The learning benchmark's tasks: what is asked, what counts as right, what is trained on."""

from __future__ import annotations

import random

import pytest
import tinker
from experiments import grpo, pairs, problems, sft, two_stage
from experiments.report import CPU_LIMIT, Row, Target
from experiments.setting import Outcome, Reply, conversation, datum
from tinker_cookbook.renderers import get_renderer
from transformers import PreTrainedTokenizerBase

from shared.models import base
from shared.models.base.corpus.describe import SEEN, UNSEEN
from shared.models.base.tokenizer import load


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load(base.folder())


def test_pig_latin_moves_the_first_letter_and_appends_ay() -> None:
    assert sft.pig_latin("banana") == "ananabay"


def test_words_are_spelled_in_letters_and_none_is_both_trained_and_held_out(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    train, held_out = sft.split_words(tokenizer, seed=1)
    assert len(held_out) == sft.HELD_OUT
    assert not set(train) & set(held_out)
    assert len(train) > 300
    for word in train + held_out:
        assert len(tokenizer.encode(" " + word)) >= len(word)


def test_the_same_seed_gives_the_same_split_and_another_seed_another(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    assert sft.split_words(tokenizer, 1) == sft.split_words(tokenizer, 1)
    assert sft.split_words(tokenizer, 1) != sft.split_words(tokenizer, 2)


def test_learning_rate_rises_then_falls_to_nearly_nothing() -> None:
    rates = [sft.warm_then_linear(step, 120, 1.0) for step in range(120)]
    assert rates[:6] == sorted(rates[:6])
    assert max(rates) == 1.0
    assert rates[-1] == pytest.approx(1 / 114)


def test_weights_of_a_batch_sum_to_one_and_keep_their_place(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    renderer = get_renderer("qwen3_instruct", tokenizer)
    batch = [
        datum(conversation("Say a.", "a"), renderer),
        datum(conversation("Say it.", "b b"), renderer),
    ]
    scaled = sft.mean_over_tokens(batch)
    weights = [one.loss_fn_inputs["weights"].to_torch() for one in scaled]
    # Sums of a dozen float32 near 0.1 round to within 1e-6.
    assert float(sum(one.sum() for one in weights)) == pytest.approx(1.0, abs=1e-6)
    for before, after in zip(batch, weights, strict=True):
        assert ((before.loss_fn_inputs["weights"].to_torch() > 0) == (after > 0)).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\boxed{68}", 1.0),
        ("23 + 45 = 68. The answer is \\boxed{68}.", 1.0),
        ("\\boxed{1} or \\boxed{68}", 1.0),
        ("\\boxed{68} or \\boxed{1}", 0.0),
        ("The answer is 68.", 0.0),
        ("\\boxed{}", 0.0),
        ("", 0.0),
    ],
)
def test_only_the_last_box_counts(text: str, expected: float) -> None:
    assert problems.reward(text, 68) == expected


def test_mixed_problems_are_half_word_problems() -> None:
    made = problems.problems(problems.mixed, 400, seed=0)
    words = sum(problem.operator == "word" for problem in made)
    assert 150 < words < 250  # five standard deviations of a fair coin's 400 tosses


def reply(tokens: list[int]) -> Reply:
    prompt = tinker.ModelInput.from_ints([1, 2, 3])
    return Reply(prompt=prompt, tokens=tokens, logprobs=[-0.5] * len(tokens), text="")


def test_equal_rewards_train_nothing() -> None:
    assert grpo.group_datums([reply([4, 5]), reply([6])], [1.0, 1.0]) == []


def test_advantages_stand_on_sampled_tokens_only_and_are_centred() -> None:
    datums = grpo.group_datums([reply([4, 5]), reply([6, 7])], [1.0, 0.0])
    advantages = [one.loss_fn_inputs["advantages"].to_torch() for one in datums]
    assert datums[0].model_input.to_ints() == [1, 2, 3, 4]
    assert datums[0].loss_fn_inputs["target_tokens"].tolist() == [0, 0, 4, 5]
    assert (advantages[0][:2] == 0).all()
    assert (advantages[0][2:] > 0).all()
    assert float(advantages[0].sum() + advantages[1].sum()) == 0.0


def test_held_out_pairs_are_about_things_the_corpus_never_describes() -> None:
    train, held_out = pairs.pairs(pairs.short_and_long, 64, seed=0)
    assert len(held_out) == len(UNSEEN)
    seen = {name for name, _ in SEEN}
    for pair in train:
        assert any(name in pair.question for name in seen)
    for (name, _), pair in zip(UNSEEN, held_out, strict=True):
        assert name in pair.question


def test_a_fifth_of_the_pairs_is_flipped_when_asked() -> None:
    train, _ = pairs.pairs(pairs.short_and_long, 100, seed=0, flipped=0.2)
    assert sum(len(pair.chosen) > len(pair.rejected) for pair in train) == 20


def test_polite_pairs_differ_in_the_opening_only() -> None:
    train, _ = pairs.pairs(pairs.polite_and_plain, 10, seed=0)
    assert all(pair.chosen == "Sure! " + pair.rejected for pair in train)


def test_both_conditions_of_a_product_end_in_the_same_answer() -> None:
    for seed in range(50):
        question, direct = two_stage.product(random.Random(seed), tokens=False)
        same, worked = two_stage.product(random.Random(seed), tokens=True)
        assert question == same
        assert two_stage.last_word(direct) == two_stage.last_word(worked)
        assert "<|mul|>" in worked and "<|mul|>" not in direct


def test_a_missed_target_and_too_much_time_are_both_told() -> None:
    outcome = Outcome(figures={"after": 0.7}, cpu_seconds=CPU_LIMIT + 1, curves={})
    row = Row("pig_latin", 0, (Target("after", low=0.8),), outcome)
    assert row.missed == ["after >= 0.8", "CPU <= 60 s"]
    fine = Outcome(figures={"after": 0.8}, cpu_seconds=CPU_LIMIT, curves={})
    assert Row("pig_latin", 0, (Target("after", low=0.8),), fine).missed == []
