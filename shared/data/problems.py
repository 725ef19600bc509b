"""Small maths problems with their solution: plain sums, one step and two steps in words.

All numbers are whole, none is negative, and no step leaves 0 to 999. The solution states each
step as GSM8K does, with the calculation in double angle brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from shared.data.words import COUNTED, NAMES, PLACES


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A question, its solution step by step (sentences with `{}` for each sum), its answer."""

    question: str
    steps: tuple[tuple[str, str, int], ...]
    """Each step: a sentence ending where the sum goes, the sum ("3 + 4") and its result."""
    topic: str

    @property
    def answer(self) -> int:
        """The result of the last step."""
        return self.steps[-1][2]

    def plain(self) -> str:
        """The solution as prose: "Tom has 3 + 4 = 7 apples." without the answer set apart."""
        return " ".join(f"{text} {sum_} = {value}." for text, sum_, value in self.steps)

    def gsm8k(self) -> str:
        """The solution as GSM8K writes it, the answer after `####` on the last line."""
        lines = [
            f"{text} {sum_} = <<{sum_.replace(' ', '')}={value}>>{value}."
            for text, sum_, value in self.steps
        ]
        return "\n".join([*lines, f"#### {self.answer}"])

    def boxed(self) -> str:
        r"""The solution as prose with the answer in `\boxed{}`."""
        return f"{self.plain()} The answer is \\boxed{{{self.answer}}}."


def arithmetic(rng: Random) -> Problem:
    """A bare sum of two numbers: plus, minus, or times a single digit."""
    kind = rng.choice("+-*")
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    if kind == "*":
        b = rng.randint(2, 9)
    elif kind == "-":
        a, b = max(a, b), min(a, b)
    value = {"+": a + b, "-": a - b, "*": a * b}[kind]
    sum_ = f"{a} {kind} {b}"
    ask = rng.choice((f"What is {sum_}?", f"Compute {sum_}.", f"How much is {sum_}?"))
    return Problem(question=ask, steps=(("We compute", sum_, value),), topic="Arithmetic")


def _more(rng: Random, name: str, thing: str, have: int) -> tuple[str, str, int]:
    got = rng.randint(2, 40)
    place = rng.choice(PLACES)
    return f"{name} gets {got} more {thing} at the {place}.", f"{have} + {got}", have + got


def _fewer(rng: Random, name: str, thing: str, have: int) -> tuple[str, str, int]:
    gone = rng.randint(2, have - 1)
    friend = rng.choice([other for other in NAMES if other != name])
    return f"{name} gives {gone} {thing} to {friend}.", f"{have} - {gone}", have - gone


def _times(rng: Random, name: str, thing: str, have: int) -> tuple[str, str, int]:
    boxes = rng.randint(2, 5)
    return (
        f"{name} has {boxes} boxes with as many {thing} in each.",
        f"{have} * {boxes}",
        have * boxes,
    )


def word_problem(rng: Random, steps: int | None = None) -> Problem:
    """A short story with `steps` changes (1 or 2, drawn if None); asks how many there are."""
    name, thing = rng.choice(NAMES), rng.choice(COUNTED)
    have = rng.randint(2, 50)
    told = [f"{name} has {have} {thing}."]
    solved: list[tuple[str, str, int]] = []
    for index in range(steps or rng.randint(1, 2)):
        kinds = [_more, *([_fewer] if have > 3 else []), *([_times] if index == 0 else [])]
        story, sum_, have = rng.choice(kinds)(rng, name, thing, have)
        told.append(story)
        solved.append((f"Count the {thing}:" if index == 0 else "Then:", sum_, have))
    told.append(f"How many {thing} does {name} have now?")
    return Problem(question=" ".join(told), steps=tuple(solved), topic="Word problems")


def problem(rng: Random) -> Problem:
    """A word problem three times out of four, else a bare sum."""
    return word_problem(rng) if rng.random() < 0.75 else arithmetic(rng)
