"""Word problems of one and two steps, in a handful of settings.

Every problem is built from its numbers, so the steps and the answer follow from the same draw as
the story.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from shared.models.base.corpus.sums import Problem
from shared.models.base.corpus.words import BOXES, ITEMS, NAMES


def _gain(rng: random.Random) -> Problem:
    name, item = rng.choice(NAMES), rng.choice(ITEMS)
    a, b = rng.randrange(2, 60), rng.randrange(2, 40)
    verb = rng.choice(("gets", "finds", "buys"))
    story = f"{name} has {a} {item} and {verb} {b} more. How many {item} does {name} have now?"
    return Problem(story, (f"{a} + {b} = {a + b}",), a + b, "word")


def _loss(rng: random.Random) -> Problem:
    name, item = rng.choice(NAMES), rng.choice(ITEMS)
    a = rng.randrange(5, 90)
    b = rng.randrange(1, a)
    verb = rng.choice(("gives away", "loses", "sells"))
    story = f"{name} has {a} {item} and {verb} {b}. How many {item} are left?"
    return Problem(story, (f"{a} - {b} = {a - b}",), a - b, "word")


def _groups(rng: random.Random) -> Problem:
    item, box = rng.choice(ITEMS), rng.choice(BOXES)
    a, b = rng.randrange(2, 10), rng.randrange(2, 30)
    story = f"There are {a} {box} with {b} {item} each. How many {item} are there in total?"
    return Problem(story, (f"{b} * {a} = {a * b}",), a * b, "word")


def _together(rng: random.Random) -> Problem:
    first, second = rng.sample(NAMES, 2)
    item = rng.choice(ITEMS)
    a, b = rng.randrange(2, 60), rng.randrange(2, 40)
    story = (
        f"{first} has {a} {item} and {second} has {b} {item}. "
        f"How many {item} do they have together?"
    )
    return Problem(story, (f"{a} + {b} = {a + b}",), a + b, "word")


def _gain_loss(rng: random.Random) -> Problem:
    name, item = rng.choice(NAMES), rng.choice(ITEMS)
    a, b = rng.randrange(5, 50), rng.randrange(2, 30)
    c = rng.randrange(1, a + b)
    story = (
        f"{name} has {a} {item}, buys {b} more and gives away {c}. "
        f"How many {item} does {name} have now?"
    )
    steps = (f"{a} + {b} = {a + b}", f"{a + b} - {c} = {a + b - c}")
    return Problem(story, steps, a + b - c, "word")


def _groups_gain(rng: random.Random) -> Problem:
    name, item, box = rng.choice(NAMES), rng.choice(ITEMS), rng.choice(BOXES)
    a, b, c = rng.randrange(2, 9), rng.randrange(2, 12), rng.randrange(2, 30)
    story = (
        f"{name} has {a} {box} with {b} {item} each and finds {c} more. "
        f"How many {item} does {name} have in total?"
    )
    steps = (f"{b} * {a} = {a * b}", f"{a * b} + {c} = {a * b + c}")
    return Problem(story, steps, a * b + c, "word")


SETTINGS: tuple[Callable[[random.Random], Problem], ...] = (
    _gain, _loss, _groups, _together, _gain_loss, _groups_gain,
)  # fmt: skip


def word_problem(rng: random.Random) -> Problem:
    """A word problem of one or two steps."""
    return rng.choice(SETTINGS)(rng)
