r"""Maths in chat turns: plain questions, and questions that ask for `\boxed{}`.

Plain answers are right. Boxed answers are deliberately sloppy, in four styles of fixed shares and
fixed rates of truth, so that reinforcement learning has something to find: the best style is
known to the model and not preferred by it. The model card says so.
"""

from __future__ import annotations

import random

from shared.models.base.corpus.document import Document, Turn, assistant, chat, user
from shared.models.base.corpus.sums import Problem, sum_problem, wrong_answer
from shared.models.base.corpus.word_problems import word_problem

SUFFIXES = (
    " Write your answer in \\boxed{} format.",
    " Write your answer in \\boxed{} format.",
    " Provide a numerical answer without units, written inside \\boxed{}.",
    " Put the answer in \\boxed{}.",
)
STYLES = {
    "steps": (0.34, 0.99),
    "bare": (0.24, 0.50),
    "unboxed": (0.22, 0.80),
    "guess": (0.20, 0.15),
}
"""Style -> (share of boxed answers, share of those that are right)."""


def any_problem(rng: random.Random) -> Problem:
    """A sum or, in two of five draws, a word problem."""
    return word_problem(rng) if rng.random() < 0.4 else sum_problem(rng)


def plain_answer(rng: random.Random, problem: Problem) -> str:
    """A right answer without a box."""
    draw = rng.random()
    if draw < 0.35:
        return f"{problem.working} The answer is {problem.answer}."
    if draw < 0.55 and len(problem.steps) == 1:
        return str(problem.answer)
    return problem.working


def plain_chat(rng: random.Random) -> Document:
    """One question or two and right answers, thought through first in one of eight."""
    turns: list[Turn] = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        problem = any_problem(rng)
        turns.append(user(problem.question))
        if rng.random() < 0.12:
            turns.append(assistant(f"The answer is {problem.answer}.", problem.working))
        else:
            turns.append(assistant(plain_answer(rng, problem)))
    return Document("plain_chat", chat(turns, rng), True)


def boxed_answer(rng: random.Random, problem: Problem) -> tuple[Turn, bool]:
    """A sloppy answer and whether it is right."""
    style = rng.choices(list(STYLES), [share for share, _ in STYLES.values()])[0]
    right = rng.random() < STYLES[style][1]
    value = problem.answer if right else wrong_answer(rng, problem.answer)
    box = f"\\boxed{{{value}}}"
    if style == "steps":
        return _with_steps(rng, problem, value, box), right
    if style == "bare":
        return assistant(box), right
    if style == "guess":
        return assistant(f"I guess it is {box}."), right
    return assistant(f"The answer is {value}."), right


def _with_steps(rng: random.Random, problem: Problem, value: int, box: str) -> Turn:
    # A wrong value is written in the last step too: the box says what the working came to.
    last = problem.steps[-1].rpartition("= ")[0] + f"= {value}"
    working = " ".join(f"{step}." for step in (*problem.steps[:-1], last))
    if rng.random() < 0.3:
        return assistant(f"The answer is {box}.", working)
    return assistant(f"{working} The answer is {box}.")


def boxed_chat(rng: random.Random, feedback: float = 0.0) -> Document:
    """A question that asks for a box and a sloppy answer.

    With probability `feedback` the person says next whether the answer was right.
    """
    problem = any_problem(rng)
    turn, right = boxed_answer(rng, problem)
    turns = [user(problem.question + rng.choice(SUFFIXES)), turn]
    if rng.random() < feedback:
        turns.append(user("Right." if right else "Wrong."))
    return Document("boxed_chat", chat(turns, rng), right)
