"""Arithmetic and word problems with one integer answer, in the phrasings of the base model.

Questions carry the suffix of the cookbook's GSM8K environment, and answers are graded by the
cookbook's own functions.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tinker_cookbook.recipes.math_rl.math_env import extract_boxed

from shared.models.base.corpus.sums import Problem, sum_problem
from shared.models.base.corpus.word_problems import word_problem

SUFFIX = " Provide a numerical answer without units, written inside \\boxed{}."


def addition(rng: random.Random) -> Problem:
    """Two two-digit numbers to add."""
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    return Problem(f"What is {a} + {b}?", (f"{a} + {b} = {a + b}",), a + b, "+")


def mixed(rng: random.Random) -> Problem:
    """A sum, difference or product as the corpus has them, or in half the draws a word problem."""
    return word_problem(rng) if rng.random() < 0.5 else sum_problem(rng)


def reward(text: str, answer: int) -> float:
    """1.0 if the last `\\boxed{}` holds the integer, written as such; 0.0 otherwise."""
    try:
        return float(extract_boxed(text).strip() == str(answer))
    except ValueError:
        return 0.0


def problems(make: Callable[[random.Random], Problem], number: int, seed: int) -> list[Problem]:
    """`number` problems, the same for the same seed."""
    rng = random.Random(seed)
    return [make(rng) for _ in range(number)]
