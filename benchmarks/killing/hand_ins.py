"""A large class's hand-ins of one lab: each exercise right, wrong, unwritten or broken by chance.

Two hand-ins are hardly ever the same, so nearly every one is judged for itself. A few are what a
real class also sends: no notebook at all, code that never ends, code that attacks the grader.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Mapping
from pathlib import Path

from autograder.audit.material import Material, collect_material
from autograder.build import notebook_text
from autograder.course import Course
from autograder.course_init import init_course
from autograder.demo.hostile import hostile_cell
from autograder.lab import solutions_folder
from autograder.notebook import Node, find_cell, read_notebook

SEED = "killed at random"
SYNTAX_ERROR = "def oops(:\n    return"
ENDLESS = "while True:\n    pass\n"
ODD_ONES = 40
"""One hand-in of this many is no notebook, one never ends in a cell, one is hostile."""
SHARES = {"reference": 0.45, "alternative": 0.2, "mistake": 0.2, "stub": 0.1, "broken": 0.05}


def two_courses(base: Path, lab: str, count: int, seed: int) -> tuple[Course, Course]:
    """Two courses below `base` with one seed and the same `count` hand-ins of `lab`."""
    roster = base / "roster.csv"
    students = [f"s{number:03d}" for number in range(1, count + 1)]
    roster.write_text("id,name\n" + "".join(f"{s},Student {s}\n" for s in students))
    first = init_course(base / "calm", labs=[lab], roster=roster, seed=SEED)
    hand_in_all(first, lab, students, seed)
    shutil.copytree(first.root, base / "restless")
    # The configuration finds its course by its own place, so a copy is a course of its own.
    return first, Course.load(base / "restless")


def hand_in_all(course: Course, lab: str, students: list[str], seed: int) -> None:
    """Put a hand-in of each student into nbgrader's layout."""
    material = collect_material(solutions_folder() / lab)
    pristine = read_notebook(course.release_path(lab))
    chance = random.Random(seed)
    for number, student in enumerate(students):
        path = course.submitted(student, lab) / f"{lab}.ipynb"
        path.parent.mkdir(parents=True)
        if number % ODD_ONES == 5:
            path.write_bytes(b"%PDF-1.7 exported")
            continue
        answers = {name: answer(material, name, chance) for name in material.spec.by_name}
        if number % ODD_ONES == 15:
            answers[chance.choice(list(answers))] = ENDLESS
        if number % ODD_ONES == 25:
            answers |= hostile(material)
        path.write_text(filled(pristine, {n: a for n, a in answers.items() if a is not None}))


def answer(material: Material, exercise: str, chance: random.Random) -> str | None:
    """One answer to one exercise; None leaves the stub."""
    (kind,) = chance.choices(list(SHARES), list(SHARES.values()))
    if kind == "stub":
        return None
    if kind == "broken":
        return SYNTAX_ERROR
    variants = {"alternative": material.alternatives, "mistake": material.mistakes}
    if kind in variants:
        return chance.choice(material.of(variants[kind], exercise)).code
    return material.source(exercise)


def hostile(material: Material) -> dict[str, str]:
    """Cells that attack the grader and claim to be right."""
    specs = material.spec.exercises
    return {s.name: hostile_cell(s.names, first=n == 0) for n, s in enumerate(specs)}


def filled(pristine: Node, answers: Mapping[str, str]) -> str:
    """The release notebook with `answers` in its solution cells."""
    notebook = copy.deepcopy(pristine)
    for exercise, source in answers.items():
        find_cell(notebook, exercise)["source"] = source
    return notebook_text(notebook)
