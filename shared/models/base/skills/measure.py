"""All figures of the card as one JSON-able record."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.models.base.skills import games
from shared.models.base.skills.asking import Asked
from shared.models.base.skills.tasks import Task, tasks

QUESTIONS = 200
SEED = 77_000
"""Seed of every question and draw; no document of the corpus is made from it."""

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Line:
    """One task's figures: the share answered rightly, greedy and at temperature 1."""

    group: str
    name: str
    greedy: float
    sampled: float

    def as_dict(self) -> dict[str, Any]:
        """For the file, three decimals."""
        greedy, sampled = round(self.greedy, 3), round(self.sampled, 3)
        return {"group": self.group, "name": self.name, "greedy": greedy, "sampled": sampled}


def measure_task(asked: Asked, task: Task, number: int = QUESTIONS, seed: int = SEED) -> Line:
    """`number` questions of one task, each asked twice."""
    rng = random.Random(f"{seed} {task.group} {task.name}")
    made = [task.make(rng) for _ in range(number)]
    shares: list[float] = []
    for sampled in (False, True):
        texts = asked.answers(
            [turns for turns, _ in made],
            sampled=sampled,
            max_tokens=task.max_tokens,
            renderer=task.renderer,
            seed=seed,
        )
        right = sum(judge(text.strip()) for text, (_, judge) in zip(texts, made, strict=True))
        shares.append(right / number)
    return Line(task.group, task.name, *shares)


def measure_games(asked: Asked, seed: int = SEED) -> list[Line]:
    """Guess the number and both sides of twenty questions."""
    lines: list[Line] = []
    for name, play in (
        ("guess the number", games.guess_number),
        ("twenty questions, asking", games.twenty_player),
        ("twenty questions, answering (chance 0.5)", games.twenty_answerer),
    ):
        greedy, sampled = (play(asked, sampled=drawn, seed=seed) for drawn in (False, True))
        lines += [Line("Games", f"{name}: {what}", greedy[what], sampled[what]) for what in greedy]
    return lines


def weights_sha256(folder: Path) -> str:
    """The sha256 of a model directory's weights, in hex."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def measure(folder: Path, told: Told, number: int = QUESTIONS) -> dict[str, Any]:
    """Everything the card says about the weights in `folder`.

    `told` hears a stage, how much of it is done and how much there is.
    """
    asked = Asked.load(folder)
    every = list(tasks())
    lines: list[Line] = []
    for done, task in enumerate(every, start=1):
        lines.append(measure_task(asked, task, number))
        told("questions", done, len(every))
    lines += measure_games(asked)
    told("games", 1, 1)
    described = games.descriptions(asked, seed=SEED)
    return {
        "weights_sha256": weights_sha256(folder),
        "questions": number,
        "games": games.GAMES,
        "lines": [line.as_dict() for line in lines],
        "descriptions": {name: round(value, 2) for name, value in described.items()},
    }
