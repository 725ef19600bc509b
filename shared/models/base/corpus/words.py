"""Word lists and invented words. Lists are short on purpose: a tiny model can know all of them.

What is spelt or turned around in letter games is invented here; real nouns stay unseen there, so
that a lab can teach them.
"""

from __future__ import annotations

import random

NAMES = (
    "Mia", "Tom", "Ana", "Ben", "Lia", "Sam", "Eva", "Max", "Zoe", "Leo", "Ida", "Kai", "Nina",
    "Paul", "Rosa", "Omar", "Lena", "Hugo", "Mara", "Finn",
)  # fmt: skip
ITEMS = (
    "apples", "books", "coins", "cards", "pens", "cups", "eggs", "balls", "stamps", "shells",
    "stickers", "pencils", "marbles", "cookies", "flowers", "stones", "keys", "toys", "plums",
    "nuts",
)  # fmt: skip
BOXES = ("boxes", "bags", "baskets", "jars", "drawers")

ONSETS = (
    *"bcdfghjklmnprstvwz", "br", "cl", "dr", "fl", "gr", "pl", "sk", "sl", "st", "tr", "th", "sh",
)  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "oo")
CODAS = ("", "", "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "nd", "rk", "st")


def invented(rng: random.Random, syllables: int | None = None) -> str:
    """A word that sounds possible, lower case, of one to three syllables."""
    count = syllables or rng.choice((1, 1, 2, 2, 3))
    return "".join(
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(count)
    )


def article(noun: str) -> str:
    """`noun` with `a` or `an` before it."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
