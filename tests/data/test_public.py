"""The synthetic datasets: columns and types of the public ones, right answers, fixed rows."""

from __future__ import annotations

import re
from random import Random

import pytest
from tinker_cookbook.recipes.math_rl.math_env import extract_gsm8k_final_answer
from tinker_cookbook.recipes.math_rl.math_grading import extract_boxed
from tinker_cookbook.recipes.preference.datasets import hhh_example_to_comparison

from shared.data.chat import exchange
from shared.data.problems import problem, word_problem
from shared.data.public import DATASETS, PublicDataset, dataset

COLUMNS = {
    "HuggingFaceH4/no_robots": {"prompt", "prompt_id", "messages", "category"},
    "openai/gsm8k": {"question", "answer"},
    "Anthropic/hh-rlhf": {"chosen", "rejected"},
    "allenai/tulu-3-sft-mixture": {"id", "messages", "source"},
    "zwhe99/DeepMath-103K": {
        "question",
        "final_answer",
        "difficulty",
        "topic",
        "r1_solution_1",
        "r1_solution_2",
        "r1_solution_3",
    },
    "open-thoughts/OpenThoughts3-1.2M": {"difficulty", "source", "domain", "conversations"},
}
"""The public datasets' columns, from their cards on the hub."""

each_dataset = pytest.mark.parametrize("data", DATASETS, ids=lambda data: data.repo)


@each_dataset
def test_every_row_has_exactly_the_declared_columns(data: PublicDataset) -> None:
    for split in data.splits:
        rows = data.rows(split)
        assert len(rows) == data.splits[split]
        assert all(list(row) == list(data.columns) for row in rows)


@pytest.mark.parametrize("repo", COLUMNS)
def test_columns_are_those_of_the_public_dataset(repo: str) -> None:
    assert set(dataset(repo).columns) == COLUMNS[repo]


@each_dataset
def test_values_have_the_declared_types(data: PublicDataset) -> None:
    kinds = {"string": str, "int64": int, "float64": float}
    for split in data.splits:
        for row in data.rows(split)[:50]:
            for column, kind in data.columns.items():
                if isinstance(kind, str):
                    assert type(row[column]) is kinds[kind], column
                else:
                    assert all(set(part) == set(kind[0]) for part in row[column]), column


@each_dataset
def test_rows_are_the_same_at_every_call_and_differ_with_the_seed(data: PublicDataset) -> None:
    split = next(iter(data.splits))
    assert data.rows(split) == data.rows(split)
    assert data.rows(split) != data.rows(split, seed=1)


@each_dataset
def test_splits_differ(data: PublicDataset) -> None:
    firsts = [str(data.rows(split)[:20]) for split in data.splits]
    assert len(set(firsts)) == len(firsts)


@each_dataset
def test_texts_are_plain_ascii(data: PublicDataset) -> None:
    # The tiny model's tokenizer spells anything else byte by byte.
    assert all(str(data.rows(split)).isascii() for split in data.splits)


def test_every_step_of_a_solution_is_right() -> None:
    rng = Random(1)
    for _ in range(2000):
        task = problem(rng)
        for _, sum_, value in task.steps:
            a, sign, b = re.fullmatch(r"(\d+) ([-+*]) (\d+)", sum_).groups()  # type: ignore[union-attr]
            assert {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign] == value
            assert 0 <= value <= 999


def test_every_step_begins_with_what_the_last_one_gave() -> None:
    rng = Random(2)
    for _ in range(500):
        steps = word_problem(rng, steps=2).steps
        assert steps[1][1].startswith(f"{steps[0][2]} ")


def test_the_cookbook_finds_the_answers() -> None:
    rng = Random(3)
    for _ in range(200):
        task = problem(rng)
        assert extract_gsm8k_final_answer(task.gsm8k()) == str(task.answer)
        assert extract_boxed(task.boxed()) == str(task.answer)


def test_the_cookbook_reads_every_comparison() -> None:
    rows = dataset("Anthropic/hh-rlhf").rows("train")
    assert all(hhh_example_to_comparison(row) is not None for row in rows)


def test_the_longer_answer_is_chosen_about_four_times_in_five() -> None:
    rows = dataset("Anthropic/hh-rlhf").rows("train")
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows) / len(rows)
    assert 0.76 < longer < 0.84  # 4.5 standard errors of 2,048 draws


def test_short_and_long_answers_are_never_the_same() -> None:
    rng = Random(4)
    assert all(len(said.short) < len(said.long) for said in (exchange(rng) for _ in range(1000)))


def test_an_unknown_dataset_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="No synthetic stand-in for a/b"):
        dataset("a/b")
