"""Guess-the-number games as the cookbook's environment plays them.

The prompt and the replies are the environment's own words. Half of the players halve the range
from 512 on, which depends on the last guess alone; the others guess inside the known range, or
wildly. One game in ten has a turn in the wrong form, after which the player is told so and goes on.
In the environment's history the model's own turns carry the role `player`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from shared.models.base.corpus.document import NO_THOUGHT, Document

UPPER_BOUND = 1024
MAX_TURNS = 10
PROMPT = (
    f"Your job is to guess a integer between 0 and {UPPER_BOUND}. You can output your guess with "
    "the format Guess: <guess> (without the angle brackets), and say nothing else. Then we will "
    "tell you whether you guess is too high, too low, or correct."
)


UNPARSED = (
    "Failed to parse. Please output in the format Guess: <guess> (without the angle brackets), and "
    "say nothing else."
)
_MALFORMED = (
    "{}",
    "I guess it is {}.",
    "The answer is {}.",
    "guess {}",
    "Is it {}?",
    "\n\nGuess: {}",
)


def reply(guess: int, secret: int) -> str:
    """What the environment answers."""
    if guess == secret:
        return "Correct"
    return "Too low" if guess < secret else "Too high"


def halving(secret: int) -> Iterator[int]:
    """The guesses of a player who halves the range: 512, then half a step up or down, and so on.

    Every guess follows from the one before: half its lowest set bit is added or subtracted.
    """
    guess, step = UPPER_BOUND // 2, UPPER_BOUND // 4
    yield guess
    while guess != secret and step:
        guess += step if guess < secret else -step
        step //= 2
        yield guess


def ranging(rng: random.Random, secret: int) -> Iterator[int]:
    """A player who guesses anywhere inside what is still possible."""
    low, high = 0, UPPER_BOUND - 1
    while True:
        guess = rng.randint(low, high)
        yield guess
        if guess < secret:
            low = min(guess + 1, high)
        else:
            high = max(guess - 1, low)


def wild(rng: random.Random) -> Iterator[int]:
    """A player who listens to nothing."""
    while True:
        yield rng.randrange(UPPER_BOUND)


def _player(rng: random.Random, secret: int) -> Iterator[int]:
    draw = rng.random()
    if draw < 0.55:
        return halving(secret)
    return ranging(rng, secret) if draw < 0.9 else wild(rng)


def guess_game(rng: random.Random) -> Document:
    """A game to its end or broken off, with the model's earlier turns under either role."""
    secret = rng.randrange(UPPER_BOUND)
    guesses: list[int] = []
    for guess in _player(rng, secret):
        guesses.append(guess)
        if guess == secret or len(guesses) == MAX_TURNS:
            break
    shown = guesses if rng.random() < 0.6 else guesses[: rng.randint(1, len(guesses))]
    moves = [(f"Guess: {guess}", reply(guess, secret)) for guess in shown]
    if rng.random() < 0.1 and len(moves) < MAX_TURNS:
        text = rng.choice(_MALFORMED).format(rng.randrange(UPPER_BOUND))
        moves.insert(rng.randrange(len(moves)), (text, UNPARSED))
    return Document("guess_number", _written(rng, moves))


def _written(rng: random.Random, moves: list[tuple[str, str]]) -> str:
    role = "player" if rng.random() < 0.6 else "assistant"
    parts = [f"<|im_start|>system\n{PROMPT}<|im_end|>"]
    for said, answer in moves[:-1]:
        parts.append(f"<|im_start|>{role}\n{said}<|im_end|>")
        parts.append(f"<|im_start|>user\n{answer}<|im_end|>")
    # Seldom: where thinking is on, the environment takes an answer with a thought for malformed.
    head = NO_THOUGHT if rng.random() < 0.05 else ""
    parts.append(f"<|im_start|>assistant\n{head}{moves[-1][0]}<|im_end|>")
    return "\n".join(parts)
