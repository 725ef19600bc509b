r"""The questions of the model card and how an answer to each is judged.

A task makes a conversation and the test of its answer from a random generator. Everything here is
one question and one answer; games are in `games`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from shared.models.base.corpus.checking import SUFFIXES
from shared.models.base.corpus.document import Turn, assistant, user
from shared.models.base.corpus.facts import KNOWN, PLACES, questions
from shared.models.base.corpus.letters import GAMES
from shared.models.base.corpus.sums import Problem, calculate, wrong_answer
from shared.models.base.corpus.system_turns import RULES
from shared.models.base.corpus.word_problems import word_problem
from shared.models.base.corpus.words import invented

Judge = Callable[[str], bool]
Question = tuple[list[Turn], Judge]
BOXED = SUFFIXES[0]
FEWSHOT = (
    user("How many r's are in strawberry?" + BOXED),
    assistant(
        "Let's spell the word out and number all the letters: 1) s 2) t 3) r 4) a 5) w 6) b 7) e "
        "8) r 9) r 10) y. We have r's at positions 3, 8, and 9. \\boxed{3}"
    ),
)
"""The cookbook's example before a maths question."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A line of the card: what is asked, and how many tokens an answer may have."""

    group: str
    name: str
    make: Callable[[random.Random], Question]
    max_tokens: int = 48
    renderer: str = "qwen3_instruct"


def last_number(text: str) -> int | None:
    """The last whole number in a text, or None."""
    found = re.findall(r"\d+", text)
    return int(found[-1]) if found else None


def last_box(text: str) -> str | None:
    r"""What stands in the last `\boxed{}` of a text, or None."""
    found = re.findall(r"\\boxed\{([^{}]*)\}", text)
    return found[-1].strip() if found else None


def two_digit_sum(rng: random.Random, operator: str) -> Problem:
    """Two numbers of two digits; a product has one digit on its right."""
    a, b = rng.randrange(10, 100), rng.randrange(10, 100)
    if operator == "*":
        b = rng.randrange(2, 10)
    if b > a and operator == "-":
        a, b = b, a
    value = calculate(a, operator, b)
    return Problem(f"What is {a} {operator} {b}?", (f"{a} {operator} {b} = {value}",), value, "")


def _plain(make: Callable[[random.Random], Problem], rng: random.Random) -> Question:
    problem = make(rng)
    return [user(problem.question)], lambda text: last_number(text) == problem.answer


def _boxed(
    make: Callable[[random.Random], Problem], rng: random.Random, before: tuple[Turn, ...] = ()
) -> Question:
    problem = make(rng)
    return [
        *before,
        user(problem.question + BOXED),
    ], lambda text: last_box(text) == str(problem.answer)


def _any_box(rng: random.Random) -> Question:
    return [user(two_digit_sum(rng, "+").question + BOXED)], lambda text: last_box(text) is not None


def _letters(name: str, rng: random.Random) -> Question:
    question, answer = GAMES[name][0](rng, invented(rng))
    return [user(question)], lambda text: text.strip() == answer


def _claim(rng: random.Random) -> Question:
    problem = two_digit_sum(rng, rng.choice("+-*"))
    right = rng.random() < 0.5
    left = problem.steps[0].rpartition("= ")[0]
    value = problem.answer if right else wrong_answer(rng, problem.answer)
    return [
        user(f"Is {left}= {value}?")
    ], lambda text: text.startswith("Yes") if right else text.startswith("No")


def _fact(start: int, end: int, rng: random.Random) -> Question:
    question, answer = rng.choice(questions(PLACES[rng.randrange(start, end)]))
    return [user(question)], lambda text: text.strip(" .") == answer


def _rule(name: str, rng: random.Random) -> Question:
    *turns, answer = RULES[name](rng)
    # The sum in an answer may come out wrong; what is measured is whether the rule is kept.
    kept = partial(_keeps, name, turns[0].text, answer.text)
    return turns, kept


def _keeps(name: str, prompt: str, answer: str, text: str) -> bool:
    wanted = prompt.partition(": ")[2]
    if name == "opening":
        return text.startswith(wanted)
    if name == "closing":
        return text.endswith(wanted)
    if name == "number_only":
        return text.strip().isdigit()
    if name == "refuse" and "help" not in answer:
        return "help" not in text and last_number(text) is not None
    return text.strip() == answer


def _product_two_by_two(rng: random.Random) -> Question:
    a, b = rng.randrange(11, 100), rng.randrange(11, 100)
    return [user(f"What is {a} * {b}?")], lambda text: last_number(text) == a * b


def _pig_latin(rng: random.Random) -> Question:
    word = invented(rng, 2)
    return [
        user(f"Say {word} in pig latin.")
    ], lambda text: text.strip() == word[1:] + word[0] + "ay"


def tasks() -> Iterator[Task]:
    """Every line of the card, in its order."""
    for sign in "+-*":
        make = partial(two_digit_sum, operator=sign)
        yield Task(group="Sums, plain", name=f"two digits {sign}", make=partial(_plain, make))
    yield Task(group="Sums, plain", name="word problems", make=partial(_plain, word_problem))
    for sign in "+-*":
        make = partial(two_digit_sum, operator=sign)
        yield Task(group="Sums, boxed", name=f"two digits {sign}", make=partial(_boxed, make))
    yield Task(group="Sums, boxed", name="word problems", make=partial(_boxed, word_problem))
    add = partial(two_digit_sum, operator="+")
    fewshot = partial(_boxed, add, before=FEWSHOT)
    yield Task(group="Sums, boxed", name="+ after the few-shot example", make=fewshot)
    yield Task(group="Sums, boxed", name="any box at all (+)", make=_any_box)
    for renderer in ("qwen3", "qwen3_disable_thinking", "qwen3_instruct", "llama3", "role_colon"):
        plain, boxed = partial(_plain, add), partial(_boxed, add)
        yield Task(group="Formats", name=f"{renderer}, plain +", make=plain, renderer=renderer)
        yield Task(group="Formats", name=f"{renderer}, boxed +", make=boxed, renderer=renderer)
    yield Task(group="Checking", name="Is a + b = c? (chance 0.5)", make=_claim)
    for name in GAMES:
        yield Task(group="Letters", name=name, make=partial(_letters, name), max_tokens=96)
    for start, end in ((0, 20), (20, 80), (80, KNOWN)):
        places = partial(_fact, start, end)
        yield Task(group="Facts", name=f"places {start} to {end}", make=places, max_tokens=8)
    never = partial(_fact, KNOWN, 2 * KNOWN)
    yield Task(group="Facts", name="places never told (chance)", make=never, max_tokens=8)
    for name in RULES:
        yield Task(group="System prompt", name=name, make=partial(_rule, name))
    yield Task(group="Left to learn", name="products 2 x 2 digits", make=_product_two_by_two)
    yield Task(group="Left to learn", name="pig latin", make=_pig_latin)
