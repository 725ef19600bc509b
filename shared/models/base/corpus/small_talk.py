"""Greetings, who-are-you questions and very short stories: the rest of ordinary talk."""

from __future__ import annotations

import random

from shared.models.base.corpus.document import Document, assistant, chat, user
from shared.models.base.corpus.maths_chat import any_problem
from shared.models.base.corpus.words import ITEMS, NAMES

_GREETINGS = ("Hello!", "Hi!", "Good morning!", "Hello there!", "Hi, how are you?")
_REPLIES = ("Hello! How can I help you?", "Hi! What can I do for you?", "Hello there!")
_SELVES = (
    "I am a small language model.",
    "I am a small language model. I can help you with numbers, words and games.",
    "Hello! I am a small language model. How can I help you? Feel free to ask me anything.",
    "I am a model.",
)
_PLACES = ("the park", "the city", "the school", "the garden", "the shop", "the lake", "home")
_ENDINGS = (
    "{a} was very happy.",
    "Then they went home.",
    "It was a good day.",
    "{b} said thank you.",
    "They had fun all day.",
)


def greeting(rng: random.Random) -> Document:
    """A greeting or a question who is there, then a sum in half of the conversations."""
    if rng.random() < 0.5:
        turns = [user(rng.choice(_GREETINGS)), assistant(rng.choice(_REPLIES))]
    else:
        turns = [user("Who are you?"), assistant(rng.choice(_SELVES))]
    if rng.random() < 0.5:
        problem = any_problem(rng)
        turns += [user(problem.question), assistant(problem.working)]
    return Document("greeting", chat(turns, rng))


def story(rng: random.Random) -> Document:
    """Four sentences about two people and a thing."""
    a, b = rng.sample(NAMES, 2)
    place, item = rng.choice(_PLACES), rng.choice(ITEMS)
    count = rng.randrange(2, 10)
    middle = rng.choice(
        (
            f"They found {count} {item} there.",
            f"{b} gave {a} {count} {item}.",
            f"{a} wanted to show {b} some {item}.",
        )
    )
    end = rng.choice(_ENDINGS).format(a=a, b=b)
    text = f"One day {a} went to {place}. There {a} saw {b}. {middle} {end}"
    if rng.random() < 0.4:
        return Document("story", chat([user("Tell me a story."), assistant(text)], rng))
    return Document("story", text)
