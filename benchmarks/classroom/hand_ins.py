"""A lab as a class hands it in: most of it right, some of it wrong, no two notebooks the same.

Of ten students five are right everywhere, three have one wrong exercise, one has two, and one did
the first half. Right answers are the reference's and the known alternatives, wrong ones the known
mistakes. Each answer ends in a comment with its author, so that no verdict can be looked up.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from autograder.audit.material import Material, collect_material
from autograder.lab import solutions_folder

LAB = "lab05_lora_math"
"""The one that stock nbgrader has asserts for."""
WRONG = (0, 0, 0, 0, 0, 1, 1, 1, 2, 0)
"""Wrong exercises of each of ten students; the last one stops half way."""

Answers = dict[str, str]
Write = Callable[[Material, int], Answers]
"""What a student of a class writes."""


def material(lab: str = LAB) -> Material:
    """The right and wrong answers of `lab`."""
    return collect_material(solutions_folder() / lab)


def student(number: int) -> str:
    """The id of student `number`."""
    return f"s{number:03d}"


def is_right(number: int) -> bool:
    """Whether student `number` has every exercise right."""
    place = number % len(WRONG)
    return WRONG[place] == 0 and place != len(WRONG) - 1


def answers(known: Material, number: int) -> Answers:
    """What student `number` handed in: the source of each exercise they wrote, always the same."""
    rng = random.Random(number)
    exercises = list(known.spec.by_name)
    place = number % len(WRONG)
    written = exercises[: len(exercises) // 2] if place == len(WRONG) - 1 else exercises
    chosen: Answers = {}
    for exercise in written:
        right = [v.code for v in known.of(known.alternatives, exercise)]
        chosen[exercise] = rng.choice([known.source(exercise), *right])
    for exercise in rng.sample(exercises, WRONG[place]):
        chosen[exercise] = rng.choice(known.of(known.mistakes, exercise)).code
    return signed(chosen, number)


def same(known: Material, number: int) -> Answers:
    """The reference's notebook, handed in by student `number`."""
    return signed({name: known.source(name) for name in known.spec.by_name}, number)


def signed(chosen: Answers, number: int) -> Answers:
    """The answers with a comment that tells the author."""
    return {name: f"{source.rstrip()}\n# {student(number)}" for name, source in chosen.items()}


def path_in(course: Path, number: int, lab: str = LAB) -> Path:
    """Where nbgrader looks for the notebook of student `number`."""
    return course / "submitted" / student(number) / lab / f"{lab}.ipynb"
