"""What is said of a cell stands in the report of its exercise, all else in the first one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.build import source_notebook
from autograder.grading.preprocessors import write_verdict
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import load_spec

LAB = Path(__file__).parents[1] / "judge" / "labs" / "lab90_tiny"
NOTES = (
    "No such kernel.",
    "Cell counter defines Counter, but not as a class.",
    "Cell helper_3 stopped: NameError",
    "Cell ratio was written twice; the last one counts.",
)


def test_each_note_stands_where_it_belongs_and_once() -> None:
    notebook: Any = source_notebook(LAB)
    exercises = tuple(
        ExerciseVerdict(
            exercise=e.name, points=0, max_points=e.points, status="failed", cases_passed=0,
            cases_total=1,
        )
        for e in load_spec(LAB).exercises
    )  # fmt: skip
    verdict = Verdict(lab=LAB.name, seed="s", level="A", exercises=exercises, notes=NOTES)
    write_verdict(notebook, verdict)
    told = {
        cell.id: [
            line[2:] for line in cell.outputs[1].data["text/plain"].splitlines() if line[0] == "!"
        ]
        for cell in notebook.cells
        if cell.get("outputs")
    }
    assert told == {
        "check_scale": [NOTES[0], NOTES[2]],
        "check_counter": [NOTES[1]],
        "check_ratio": [NOTES[3]],
    }
