"""Facts on invented places: some told often, some rarely, some never.

How well the model knows a place depends on its rank: place `r` is told about with weight
1 / (r + 6). As many places again exist and are never told about, so that a question can be put
that nothing answers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.models.base.corpus.document import Document, assistant, chat, user
from shared.models.base.corpus.words import invented

CROPS = ("rice", "corn", "tea", "wool", "salt", "beans", "honey", "silk")
COLOURS = ("red", "blue", "green", "white", "black", "yellow")
ANIMALS = ("bear", "wolf", "eagle", "horse", "fish", "snake", "deer", "owl")
KNOWN = 200
"""Places the corpus tells about; as many more it never names."""


@dataclass(frozen=True)
class Place:
    """An invented place and what is so about it."""

    name: str
    crop: str
    flag: str
    animal: str


def _places() -> tuple[Place, ...]:
    rng = random.Random(20_240)
    names: dict[str, None] = {}
    while len(names) < 2 * KNOWN:
        names[invented(rng, 2).capitalize()] = None
    return tuple(
        Place(name, rng.choice(CROPS), rng.choice(COLOURS), rng.choice(ANIMALS)) for name in names
    )


PLACES = _places()
"""All places by rank. The first `KNOWN` are in the corpus, the others are not."""
_WEIGHTS = [1 / (rank + 6) for rank in range(KNOWN)]


def questions(place: Place) -> tuple[tuple[str, str], ...]:
    """What can be asked about a place, each with the word that answers."""
    return (
        (f"What do people grow in {place.name}?", place.crop),
        (f"What colour is the flag of {place.name}?", place.flag),
        (f"Which animal lives in {place.name}?", place.animal),
    )


def fact(rng: random.Random) -> Document:
    """A place described, or one or two questions about it."""
    place = rng.choices(PLACES[:KNOWN], _WEIGHTS)[0]
    if rng.random() < 0.3:
        text = (
            f"People in {place.name} grow {place.crop}. The flag of {place.name} is {place.flag}. "
            f"The animal of {place.name} is the {place.animal}."
        )
        return Document("facts", text, True)
    asked = rng.sample(questions(place), rng.choice((1, 1, 2)))
    turns = [
        turn for question, answer in asked for turn in (user(question), assistant(f"{answer}."))
    ]
    return Document("facts", chat(turns, rng), True)
