"""Sums: one problem with its steps and answer, and the plain text that practises them.

A problem knows how a question is put and how it is worked out; the chat modules wrap it. Results
are whole numbers and never negative.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from shared.models.base.corpus.document import Document


@dataclass(frozen=True)
class Problem:
    """A question, the steps that answer it, and the answer."""

    question: str
    steps: tuple[str, ...]
    answer: int
    operator: str
    """`+`, `-`, `*`, or `word` for a word problem."""

    @property
    def working(self) -> str:
        """The steps as sentences."""
        return " ".join(f"{step}." for step in self.steps)


def _number(rng: random.Random, digits: int) -> int:
    return rng.randrange(10) if digits == 1 else rng.randrange(10 ** (digits - 1), 10**digits)


def operands(rng: random.Random, operator: str) -> tuple[int, int]:
    """Two operands of usual size: mostly two digits; one is a single digit in a product."""
    if operator == "*":
        return _number(rng, rng.choice((1, 2, 2, 2, 2))), _number(rng, 1)
    digits = rng.choice((1, 2, 2, 2, 2, 2, 2, 2, 3))
    shorter = rng.random() < 1 / 8
    a, b = _number(rng, digits), _number(rng, max(1, digits - shorter))
    if operator == "-" and b > a:
        a, b = b, a
    if operator == "+" and rng.random() < 0.5:
        a, b = b, a
    return a, b


def calculate(a: int, operator: str, b: int) -> int:
    """`a operator b` for `+`, `-` and `*`."""
    if operator == "+":
        return a + b
    return a - b if operator == "-" else a * b


def equation(rng: random.Random, operator: str | None = None) -> tuple[int, str, int, int]:
    """`(a, operator, b, result)`: by the number of pairs there are, products need the least."""
    sign = operator or rng.choices("+-*", (6, 4, 2))[0]
    a, b = operands(rng, sign)
    return a, sign, b, calculate(a, sign, b)


def sum_problem(rng: random.Random, operator: str | None = None) -> Problem:
    """`What is 23 + 45?` with its one step."""
    a, sign, b, result = equation(rng, operator)
    question = rng.choice(("What is {}?", "What is {}?", "What is {}?", "Calculate {}."))
    return Problem(
        question.format(f"{a} {sign} {b}"), (f"{a} {sign} {b} = {result}",), result, sign
    )


def wrong_answer(rng: random.Random, truth: int) -> int:
    """A number near `truth` that is not it: a slip of the pen in one digit, mostly."""
    while True:
        step = rng.choice((1, 1, 2, 3, 10, 10, 20, 9, 11, rng.randrange(1, 30)))
        guess = truth + rng.choice((-1, 1)) * step
        if guess >= 0 and guess != truth:
            return guess


def equation_list(rng: random.Random) -> Document:
    """Some equations, one a line."""
    lines = [f"{a} {s} {b} = {c}" for a, s, b, c in (equation(rng) for _ in range(8))]
    return Document("equations", "\n".join(lines), True)


def question_text(rng: random.Random) -> Document:
    """`Question: ... Answer: ...` outside any chat format, with choices now and then."""
    problem = sum_problem(rng)
    if rng.random() < 0.7:
        text = f"Question: {problem.question}\nAnswer: {problem.answer}"
        return Document("question", text, True)
    options = {problem.answer}
    while len(options) < 4:
        options.add(wrong_answer(rng, problem.answer))
    shuffled = sorted(options)
    rng.shuffle(shuffled)
    lines = "\n".join(f"{mark}. {value}" for mark, value in zip("ABCD", shuffled, strict=True))
    mark = "ABCD"[shuffled.index(problem.answer)]
    return Document("choices", f"Question: {problem.question}\n{lines}\nAnswer: {mark}", True)


def product_steps(a: int, b: int) -> str:
    """A product by tens and ones: `23 * 40 = 920, 23 * 5 = 115, 920 + 115 = 1035`."""
    tens, ones = b // 10 * 10, b % 10
    if not tens or not ones:
        return f"{a} * {b} = {a * b}"
    high, low = a * tens, a * ones
    return f"{a} * {tens} = {high}, {a} * {ones} = {low}, {high} + {low} = {high + low}"


def product_line(rng: random.Random) -> Document:
    """Products worked out between `<|mul|>` and `<|/mul|>`, so that LoRA finds the tokens known.

    One of three is a product of two-digit numbers; more would leave a lab nothing to teach.
    """
    lines: list[str] = []
    for _ in range(2):
        a, b = _number(rng, 2), _number(rng, 1 if rng.random() < 2 / 3 else 2)
        lines.append(f"{a} * {b} = <|mul|>{product_steps(a, b)}<|/mul|> {a * b}")
    return Document("products", "\n".join(lines), True)


def arithmetic_text(rng: random.Random) -> Document:
    """Any of the plain-text kinds above."""
    draw = rng.random()
    if draw < 0.5:
        return equation_list(rng)
    return question_text(rng) if draw < 0.8 else product_line(rng)
