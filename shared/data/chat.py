"""Short exchanges of chat: a question and good answers to it, shorter and longer ones.

They describe everyday things, give advice, repeat and count words, or solve a small problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from shared.data.problems import problem
from shared.data.words import ADVICE, NAMES, PLACES, THINGS


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A question with a short and a long answer; both are right."""

    question: str
    short: str
    long: str
    category: str


def describe(rng: Random) -> Exchange:
    """What a thing is, in one sentence or in three."""
    thing = rng.choice(sorted(THINGS))
    what, second, third = THINGS[thing]
    article = "an" if thing[0] in "aeiou" else "a"
    ask = rng.choice(
        (
            f"What is {article} {thing}?",
            f"Describe {article} {thing}.",
            f"Tell me about the {thing}.",
        )
    )
    first = f"{article.capitalize()} {thing} is {what}."
    return Exchange(question=ask, short=first, long=f"{first} {second} {third}", category="Open QA")


def advise(rng: Random) -> Exchange:
    """How to do something, in one piece of advice or two with a closing line."""
    aim = rng.choice(sorted(ADVICE))
    first, second = ADVICE[aim]
    ask = rng.choice((f"How do I {aim}?", f"Help me to {aim}.", f"What can I do to {aim}?"))
    closing = rng.choice(("It takes some time.", "You will get better at it.", "Have fun!"))
    return Exchange(
        question=ask, short=first, long=f"{first} {second} {closing}", category="Brainstorm"
    )


def handle_words(rng: Random) -> Exchange:
    """Repeat, count or reverse two to four known words."""
    words = rng.sample(sorted(THINGS), rng.randint(2, 4))
    line = ", ".join(words)
    tasks = (
        (f"Repeat these words: {line}.", line),
        (f"How many words are there: {line}?", str(len(words))),
        (f"Write these words from last to first: {line}.", ", ".join(reversed(words))),
        (f"What is the first word: {line}?", words[0]),
    )
    ask, answer = rng.choice(tasks)
    return Exchange(
        question=ask, short=answer, long=f"The answer is: {answer}.", category="Rewrite"
    )


def tell(rng: Random) -> Exchange:
    """A story of one sentence or three."""
    name, place = rng.choice(NAMES), rng.choice(PLACES)
    thing = rng.choice(sorted(THINGS))
    article = "an" if thing[0] in "aeiou" else "a"
    first = f"{name} went to the {place} and saw {article} {thing}."
    return Exchange(
        question=f"Write a story about {name} and {article} {thing}.",
        short=first,
        long=f"{first} It was a good day. Then {name} went home.",
        category="Generation",
    )


def solve(rng: Random) -> Exchange:
    """A small problem, answered with the number alone or with its steps."""
    task = problem(rng)
    return Exchange(
        question=task.question, short=f"{task.answer}", long=task.boxed(), category="Closed QA"
    )


KINDS = (describe, advise, handle_words, tell, solve)


def exchange(rng: Random) -> Exchange:
    """One of the kinds, each as likely as the others."""
    return rng.choice(KINDS)(rng)
