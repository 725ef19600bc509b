"""Letter games on invented words: spell, repeat, drop, append, first, last, backwards, count.

Letters are joined by hyphens when spelt, so that each stays a token of its own. Counting numbers
the letters, as the cookbook's few-shot example for maths does.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from shared.models.base.corpus.document import Document, assistant, chat, user
from shared.models.base.corpus.words import invented

Game = Callable[[random.Random, str], tuple[str, str]]


def _spell(_: random.Random, word: str) -> tuple[str, str]:
    return f"Spell {word}.", "-".join(word)


def _join(_: random.Random, word: str) -> tuple[str, str]:
    return f"Which word is {'-'.join(word)}?", word


def _repeat(_: random.Random, word: str) -> tuple[str, str]:
    return f"Repeat the word {word}.", word


def _drop_first(_: random.Random, word: str) -> tuple[str, str]:
    return f"Drop the first letter of {word}.", word[1:]


def _append(rng: random.Random, word: str) -> tuple[str, str]:
    ending = rng.choice(("a", "o", "s", "ed", "ing", "er", "ka", "um", "ay"))
    return f"Add {ending} to the end of {word}.", word + ending


def _first(_: random.Random, word: str) -> tuple[str, str]:
    return f"What is the first letter of {word}?", word[0]


def _last(_: random.Random, word: str) -> tuple[str, str]:
    return f"What is the last letter of {word}?", word[-1]


def _backwards(_: random.Random, word: str) -> tuple[str, str]:
    return f"Write {word} backwards.", word[::-1]


def _length(_: random.Random, word: str) -> tuple[str, str]:
    return f"How many letters are in {word}?", str(len(word))


def _count(rng: random.Random, word: str) -> tuple[str, str]:
    letter = rng.choice(word)
    places = [place for place, got in enumerate(word, start=1) if got == letter]
    numbered = " ".join(f"{place}) {got}" for place, got in enumerate(word, start=1))
    spelt = f"Let's spell the word out and number all the letters: {numbered}."
    if rng.random() < 0.3:
        question = f"How many {letter}'s are in {word}? Write your answer in \\boxed{{}} format."
        return question, f"{spelt} \\boxed{{{len(places)}}}"
    return f"How many {letter}'s are in {word}?", f"{spelt} The answer is {len(places)}."


GAMES: dict[str, tuple[Game, int]] = {
    "spell": (_spell, 4),
    "join": (_join, 2),
    "repeat": (_repeat, 3),
    "drop_first": (_drop_first, 4),
    "append": (_append, 4),
    "first": (_first, 3),
    "last": (_last, 2),
    "backwards": (_backwards, 2),
    "length": (_length, 1),
    "count": (_count, 1),
}
"""Name -> (question and answer, how often it is drawn)."""


def letter_game(rng: random.Random) -> Document:
    """One to three rounds of one game."""
    name = rng.choices(list(GAMES), [weight for _, weight in GAMES.values()])[0]
    turns = []
    for _ in range(1 if name == "count" else rng.choice((1, 1, 2, 3))):
        question, answer = GAMES[name][0](rng, invented(rng))
        turns += [user(question), assistant(answer)]
    return Document("letters", chat(turns, rng), True)
