"""Twenty questions, both sides, with the prompts of the cookbook's environment.

A small tree of kinds and traits decides every answer, so the answers are true.
"""

from __future__ import annotations

import random

from shared.models.base.corpus.document import Document, assistant, chat, system, user

ANSWERER_PROMPT = (
    "You are the answerer in a game of 20 questions. You should only ever respond with 'yes' or "
    "'no'. Your secret word is {answer}. If the other player guesses it with Guess: <answer>, "
    "respond with 'yes' only if the answer is precisely your secret word."
)
PLAYER_PROMPT = (
    "You are the player in a game of 20 questions. You will ask a series of yes/no questions to "
    "the answerer. You will win if you can guess the answer in 20 questions or less. You will "
    "lose if you ask more than 20 questions. To guess the answer, write a line of the form "
    "'Guess: <answer>' (without the angle brackets). The answer is always a single word -- don't "
    "use articles like 'a' or 'the'. Your questions should be one line, and less than 20 words."
)
SECRETS: dict[str, tuple[str, ...]] = {
    "an animal": ("bear", "bird", "cat", "cow", "dog", "horse", "lion", "mouse", "pig", "sheep"),
    "something to eat": ("apple", "banana", "bread", "cake", "cheese", "egg", "rice", "soup"),
    "a person": ("actor", "baby", "brother", "doctor", "king", "queen", "teacher", "uncle"),
    "something at home": ("bed", "bottle", "chair", "clock", "cup", "door", "lamp", "table"),
    "something outside": ("airport", "bridge", "farm", "garden", "hill", "lake", "river", "tree"),
}
"""Kind -> the words of that kind, all of them among the environment's own."""
WORDS = tuple((word, kind) for kind, words in SECRETS.items() for word in words)


def answerer(rng: random.Random) -> Document:
    """The side that knows the word: one question or guess, answered truly."""
    word, kind = rng.choice(WORDS)
    if rng.random() < 0.5:
        asked_kind = kind if rng.random() < 0.5 else rng.choice(list(SECRETS))
        question, truth = f"Is it {asked_kind}?", asked_kind == kind
    else:
        guess = word if rng.random() < 0.5 else rng.choice(WORDS)[0]
        question, truth = f"Guess: {guess}", guess == word
    turns = [system(ANSWERER_PROMPT.format(answer=word)), user(question)]
    return Document("twenty_answerer", chat([*turns, assistant("yes" if truth else "no")], rng))


def player(rng: random.Random) -> Document:
    """The side that asks: kinds one after the other, then guesses among the words of the kind."""
    word, kind = rng.choice(WORDS)
    turns = [system(PLAYER_PROMPT)]
    for asked in rng.sample(list(SECRETS), len(SECRETS)):
        turns.append(assistant(f"Is it {asked}?"))
        turns.append(user("yes" if asked == kind else "no"))
        if asked == kind:
            break
    for guess in rng.sample(SECRETS[kind], len(SECRETS[kind])):
        turns.append(assistant(f"Guess: {guess}"))
        if guess == word or len(turns) > 20:
            break
        turns.append(user("no"))
    if turns[-1].role == "user":
        turns.pop()
    return Document("twenty_player", chat(turns, rng))


def twenty_questions(rng: random.Random) -> Document:
    """Either side."""
    return answerer(rng) if rng.random() < 0.5 else player(rng)
