"""The tiny lab, and a way to judge an answer to one of its exercises in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.judge.places import local_spawn
from autograder.judge.runner import run
from autograder.judge.session import Choice
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import load_spec
from autograder.notebook import reference_cells, replace_cell
from autograder.sandbox.ops import SourceCell

LAB = Path(__file__).parent / "labs" / "lab90_tiny"

Judge = Callable[..., Verdict]
Answer = Callable[[str, str], ExerciseVerdict]


@pytest.fixture
def lab() -> Path:
    return LAB


@pytest.fixture
def reference() -> tuple[SourceCell, ...]:
    return reference_cells(LAB)


@pytest.fixture
def stub() -> tuple[SourceCell, ...]:
    return stub_cells()


def stub_cells() -> tuple[SourceCell, ...]:
    spec = load_spec(LAB)
    cells = reference_cells(LAB)
    for exercise in spec.exercises:
        name = exercise.names[0]
        head = (
            f"def {name}(*args)"
            if name == exercise.name
            else f"class {name}:\n  def __init__(self, *a)"
        )
        text = f"{head}: raise NotImplementedError('lab90 {exercise.name}: {exercise.title}')"
        cells = replace_cell(cells, exercise.name, text)
    return cells


@pytest.fixture
def judge() -> Judge:
    """Judge cells in this process, without a jail."""

    def judge(
        cells: tuple[SourceCell, ...], *, lab: Path = LAB, file: str = "judge.py", **choice: object
    ) -> Verdict:
        spec = load_spec(lab)
        chosen = Choice(**{"seed": "test", "scored": file == "judge.py", **choice})
        return run(cells, lab, spec, local_spawn(spec), chosen, file=file)[0]

    return judge


@pytest.fixture
def answer(judge: Judge, reference: tuple[SourceCell, ...]) -> Answer:
    """The verdict on one exercise answered with `source`, the others being right."""

    def answer(exercise: str, source: str) -> ExerciseVerdict:
        return judge(replace_cell(reference, exercise, source), exercises=(exercise,)).exercises[0]

    return answer
