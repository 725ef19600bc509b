"""What a first look asks: the operations of each rehearsed case, encoded once for all submissions.

A case is asked in one message. Where what an example asks next may hold what came before
(`unmerge(merge(w))`), the code must not see that early: such a case is played, one operation after
the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.judge.rehearsal import Scene
from autograder.sandbox import wire, worker
from autograder.sandbox.errors import WireError

ROOM = 4 << 20
"""Bytes of answers to one question that surely fit into one message."""


@dataclass(frozen=True)
class Question:
    """One case, ready to be asked; `encoded` None: it has to be played."""

    scene: Scene
    encoded: bytes | None


Questions = Mapping[str, Sequence[Question]]
"""By exercise; one that cannot be settled by a look is absent."""


def questions(scenes: Sequence[Scene]) -> Questions:
    """What to ask, made once for all submissions."""
    found: dict[str, list[Question]] = {}
    unfit: set[str] = set()
    for scene in scenes:
        examples = scene.examples
        if not examples or not all(example.own for example in examples):
            unfit.add(scene.exercise)  # nothing could be kept, or nothing was asked
        found.setdefault(scene.exercise, []).append(Question(scene, _encoded(scene)))
    return {exercise: asked for exercise, asked in found.items() if exercise not in unfit}


def _encoded(scene: Scene) -> bytes | None:
    if not all(example.blind for example in scene.examples):
        return None
    if sum(len(answer) for example in scene.examples for _, answer in example.own) > ROOM:
        return None
    ops = [[wire.decode(asked) for asked, _ in example.own] for example in scene.examples]
    try:
        return worker.many(ops)
    except WireError:
        return None
