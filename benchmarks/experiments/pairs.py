"""Preference pairs over descriptions, written with the functions of the base model's corpus.

Held-out pairs are about things that the corpus never describes, training pairs about the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from shared.models.base.corpus.describe import POLITE_OPENINGS, SEEN, UNSEEN, description, question

Maker = Callable[[random.Random, str, str], tuple[str, str]]


@dataclass(frozen=True)
class Pair:
    """A question and two answers to it."""

    question: str
    chosen: str
    rejected: str


def short_and_long(rng: random.Random, thing: str, kind: str) -> tuple[str, str]:
    """(one or two sentences, four to six)."""
    short = description(rng, thing, kind, rng.randint(1, 2))
    return short, description(rng, thing, kind, rng.randint(4, 6))


def polite_and_plain(rng: random.Random, thing: str, kind: str) -> tuple[str, str]:
    """The same description with the opening `Sure! ` and without."""
    text = description(rng, thing, kind, rng.randint(2, 4))
    return POLITE_OPENINGS[0] + text, text


def pairs(
    make: Maker, number: int, seed: int, flipped: float = 0.0
) -> tuple[list[Pair], list[Pair]]:
    """(`number` training pairs, one held-out pair for each unseen thing).

    A share `flipped` of the training pairs prefers the wrong answer.
    """
    rng = random.Random(seed)
    train: list[Pair] = []
    for index in range(number):
        thing, kind = rng.choice(SEEN)
        chosen, rejected = make(rng, thing, kind)
        if index < flipped * number:
            chosen, rejected = rejected, chosen
        train.append(Pair(question(rng, thing), chosen, rejected))
    rng.shuffle(train)
    held_out = [Pair(question(rng, thing), *make(rng, thing, kind)) for thing, kind in UNSEEN]
    return train, held_out
