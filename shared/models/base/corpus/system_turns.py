"""Conversations that follow a system prompt: manners, a name, a secret word, notes to read.

What has to be copied from the prompt is invented anew in every document, so following it is a
skill and not a memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from shared.models.base.corpus.document import Document, Turn, assistant, chat, system, user
from shared.models.base.corpus.facts import ANIMALS, COLOURS, CROPS
from shared.models.base.corpus.sums import sum_problem
from shared.models.base.corpus.words import invented

OPENERS = ("Well,", "Hello!", "Okay.", "Listen.", "My friend,", "Good question.")
CLOSERS = ("Thank you.", "Bye!", "Have fun!", "Good luck.", "That is all.")


def _opening(rng: random.Random) -> list[Turn]:
    opener = rng.choice(OPENERS) if rng.random() < 0.5 else invented(rng).capitalize() + "."
    problem = sum_problem(rng)
    return [
        system(f"Start every answer with: {opener}"),
        user(problem.question),
        assistant(f"{opener} {problem.steps[0]}."),
    ]


def _closing(rng: random.Random) -> list[Turn]:
    closer = rng.choice(CLOSERS) if rng.random() < 0.5 else invented(rng).capitalize() + "."
    problem = sum_problem(rng)
    return [
        system(f"End every answer with: {closer}"),
        user(problem.question),
        assistant(f"{problem.steps[0]}. {closer}"),
    ]


def _number_only(rng: random.Random) -> list[Turn]:
    problem = sum_problem(rng)
    return [
        system("Reply with only the number."),
        user(problem.question),
        assistant(str(problem.answer)),
    ]


def _name(rng: random.Random) -> list[Turn]:
    name = invented(rng).capitalize()
    question = rng.choice(("What is your name?", "Who are you?"))
    return [system(f"Your name is {name}."), user(question), assistant(f"My name is {name}.")]


def _secret(rng: random.Random) -> list[Turn]:
    word = invented(rng)
    return [
        system(f"The secret word is {word}."),
        user("What is the secret word?"),
        assistant(f"The secret word is {word}."),
    ]


def _repeat(rng: random.Random) -> list[Turn]:
    said = " ".join(invented(rng) for _ in range(rng.choice((1, 2, 3))))
    return [system("Repeat what the user says."), user(said), assistant(said)]


def _refuse(rng: random.Random) -> list[Turn]:
    topic = rng.choice(("numbers", "letters", "places"))
    problem = sum_problem(rng)
    text = "I can not help with that." if topic == "numbers" else f"{problem.steps[0]}."
    return [system(f"Do not talk about {topic}."), user(problem.question), assistant(text)]


def _notes(rng: random.Random) -> list[Turn]:
    """Notes on a few places, read to answer one question."""
    names = [invented(rng, 2).capitalize() for _ in range(rng.choice((1, 2, 3)))]
    told: list[tuple[str, str, str]] = []
    for name in names:
        crop, flag, animal = rng.choice(CROPS), rng.choice(COLOURS), rng.choice(ANIMALS)
        told.append(
            rng.choice(
                (
                    (f"People in {name} grow {crop}.", f"What do people grow in {name}?", crop),
                    (f"The flag of {name} is {flag}.", f"What colour is the flag of {name}?", flag),
                    (f"The animal of {name} is the {animal}.", f"Which animal lives in {name}?",
                     animal),
                )
            )
        )  # fmt: skip
    _, question, answer = rng.choice(told)
    notes = " ".join(sentence for sentence, _, _ in told)
    return [system(f"Use these notes. {notes}"), user(question), assistant(f"{answer}.")]


RULES: dict[str, Callable[[random.Random], list[Turn]]] = {
    "opening": _opening,
    "closing": _closing,
    "number_only": _number_only,
    "name": _name,
    "secret": _secret,
    "repeat": _repeat,
    "refuse": _refuse,
    "notes": _notes,
}
"""Name of the rule -> the conversation that keeps it."""


def system_turn(rng: random.Random) -> Document:
    """A system prompt, what the person says, and the answer the prompt asks for."""
    # Reading notes and repeating are learnt slowest, so they come twice as often.
    name = rng.choice([*RULES, "notes", "repeat"])
    return Document(f"system_{name}", chat(RULES[name](rng), rng), True)
