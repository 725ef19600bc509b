"""Turns that check: a claim judged, an answer judged, an answer checked before it is given.

They are there so that being right or wrong is something the model has reason to represent.
"""

from __future__ import annotations

import random

from shared.models.base.corpus.document import Document, assistant, chat, user
from shared.models.base.corpus.maths_chat import SUFFIXES, any_problem
from shared.models.base.corpus.sums import equation, sum_problem, wrong_answer


def _claim(rng: random.Random) -> tuple[str, str, bool]:
    """A claimed equation, the true one, and whether they agree."""
    a, sign, b, truth = equation(rng, rng.choices("+-*", (5, 3, 2))[0])
    right = rng.random() < 0.5
    value = truth if right else wrong_answer(rng, truth)
    return f"{a} {sign} {b} = {value}", f"{a} {sign} {b} = {truth}", right


def claim_chat(rng: random.Random) -> Document:
    """`Is 23 + 45 = 67?` and `No.`, the true equation after it in half of the refusals."""
    claim, truth, right = _claim(rng)
    question = rng.choice(("Is {}?", "Is {}?", "{}. Is that right?", "True or false: {}"))
    if question.startswith("True"):
        answer = "True." if right else "False."
    else:
        answer = "Yes." if right else "No."
    if not right and rng.random() < 0.5:
        answer += f" {truth}."
    turns = [user(question.format(claim)), assistant(answer)]
    return Document("claim_chat", chat(turns, rng), True)


def judged_answer(rng: random.Random) -> Document:
    """A boxed answer, right or wrong, the question whether it is right, and the true verdict."""
    problem = any_problem(rng)
    right = rng.random() < 0.5
    value = problem.answer if right else wrong_answer(rng, problem.answer)
    said = rng.choice((f"\\boxed{{{value}}}", f"The answer is {value}.", str(value)))
    verdict = "Yes." if right else rng.choice(("No.", f"No. {problem.working}"))
    turns = [
        user(problem.question + rng.choice(("", *SUFFIXES))),
        assistant(said),
        user(rng.choice(("Is that right?", "Are you sure?"))),
        assistant(verdict),
    ]
    return Document("judged_answer", chat(turns, rng), True)


def boxed_verdict(rng: random.Random) -> Document:
    r"""A boxed answer with its own verdict right behind the box: `\boxed{67} wrong`."""
    problem = sum_problem(rng, rng.choices("+-*", (6, 2, 2))[0])
    right = rng.random() < 0.5
    value = problem.answer if right else wrong_answer(rng, problem.answer)
    said = f"\\boxed{{{value}}} {'right' if right else 'wrong'}"
    turns = [user(problem.question + rng.choice(SUFFIXES)), assistant(said)]
    return Document("boxed_verdict", chat(turns, rng), True)


def tagged_list(rng: random.Random) -> Document:
    """Equations, some of them wrong, each with its tag."""
    lines: list[str] = []
    for _ in range(6):
        claim, _, right = _claim(rng)
        lines.append(f"{claim} {'right' if right else 'wrong'}")
    return Document("tagged_list", "\n".join(lines), True)


def checked_answer(rng: random.Random) -> Document:
    """A sum worked out, checked by its inverse, and only then answered."""
    problem = sum_problem(rng, rng.choice("+-"))
    a, sign, b, _, value = problem.steps[0].split()
    check = f"{value} {'-' if sign == '+' else '+'} {b} = {a}"
    text = f"{problem.working} Check: {check}. The answer is {value}."
    turns = [user(problem.question + " Check your answer."), assistant(text)]
    return Document("checked_answer", chat(turns, rng), True)


def checking(rng: random.Random) -> Document:
    """Any of the kinds above, claims most often."""
    maker = rng.choices(
        (claim_chat, judged_answer, tagged_list, checked_answer), (0.35, 0.25, 0.33, 0.07)
    )[0]
    return maker(rng)
