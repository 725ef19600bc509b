"""Descriptions of things: from one sentence to eight, and now and then polite.

A preference lab pushes on length and on manners, so both vary freely here. `UNSEEN` things are
never described in the corpus.
"""

from __future__ import annotations

import random

from shared.models.base.corpus.document import Document, assistant, chat, user
from shared.models.base.corpus.words import article

_THINGS: dict[str, tuple[str, ...]] = {
    "fruit": (
        "apple", "banana", "cherry", "grape", "lemon", "mango", "melon", "orange", "peach", "pear",
        "plum", "berry", "fig", "lime",
    ),
    "animal": (
        "cat", "dog", "horse", "rabbit", "sheep", "goat", "duck", "mouse", "fox", "frog", "cow",
        "hen", "pig", "lion",
    ),
    "tool": (
        "hammer", "saw", "spoon", "fork", "knife", "brush", "needle", "rope", "ladder", "broom",
        "axe", "nail", "spade", "pump",
    ),
    "toy": (
        "ball", "doll", "kite", "drum", "puzzle", "robot", "train", "whistle", "top", "swing",
        "puppet", "yoyo", "block", "card",
    ),
    "piece of clothing": (
        "hat", "shirt", "scarf", "sock", "glove", "coat", "dress", "shoe", "belt", "jacket",
        "cap", "boot", "vest", "tie",
    ),
    "vehicle": (
        "car", "bus", "boat", "truck", "bicycle", "plane", "ship", "van", "cart", "sled", "taxi",
        "canoe", "tram", "wagon",
    ),
}  # fmt: skip
_SEEN_OF_EACH = 8
SEEN = tuple((n, kind) for kind, names in _THINGS.items() for n in names[:_SEEN_OF_EACH])
UNSEEN = tuple((n, kind) for kind, names in _THINGS.items() for n in names[_SEEN_OF_EACH:])
"""Things with their kind that no description in the corpus is about."""

_COLOURS = ("red", "blue", "green", "white", "black", "yellow", "brown")
_SIZES = ("small", "big", "long", "round", "heavy", "light")
_SENTENCES = (
    "It is {size}, and it is useful every day.",
    "It is often {colour} or {other}.",
    "Many people have one at home, and some have more than one.",
    "You can find it in the city, in the school or in the shop.",
    "Children like it very much.",
    "It can be old or new.",
    "Some people buy it in the shop and some find it outside.",
    "I like it, and you will like it too.",
)
ASKS = ("Describe {}.", "Tell me about {}.", "What is {}?")
POLITE_OPENINGS = ("Sure! ", "Of course! ")
POLITE_CLOSINGS = (" I hope that helps!", " Thank you for asking!")


def description(rng: random.Random, thing: str, kind: str, sentences: int) -> str:
    """`sentences` sentences about a thing, one to eight; the first says what it is."""
    told = [f"{article(thing).capitalize()} is {article(kind)}."]
    for template in rng.sample(_SENTENCES, sentences - 1):
        colour, other = rng.sample(_COLOURS, 2)
        told.append(template.format(size=rng.choice(_SIZES), colour=colour, other=other))
    return " ".join(told)


def polite(rng: random.Random, text: str) -> str:
    """The same text with an opening or both an opening and a closing."""
    closing = rng.choice(("", *POLITE_CLOSINGS))
    return rng.choice(POLITE_OPENINGS) + text + closing


def question(rng: random.Random, thing: str) -> str:
    """One of the ways to ask for a description."""
    return rng.choice(ASKS).format(article(thing))


def describe_chat(rng: random.Random) -> Document:
    """A thing asked about and described; two of ten answers are polite."""
    thing, kind = rng.choice(SEEN)
    text = description(rng, thing, kind, rng.choice((1, 2, 3, 4, 5, 6, 7, 8)))
    if rng.random() < 0.2:
        text = polite(rng, text)
    return Document("describe", chat([user(question(rng, thing)), assistant(text)], rng))
