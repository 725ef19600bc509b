"""A dozen hand-ins as a real class sends them: right, half done, wrong, broken, hostile."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autograder.audit.material import Material, Variant, collect_material
from autograder.build import notebook_text
from autograder.demo.hostile import hostile_cell
from autograder.files import write_atomically
from autograder.notebook import Node, find_cell, read_notebook

MISTAKES = 5
NAMES = (
    "Ada Lovelace", "Alan Turing", "Barbara Liskov", "Claude Shannon", "Edsger Dijkstra",
    "Frances Allen", "Grace Hopper", "Hedy Lamarr", "Ida Rhodes", "Jean Bartik",
    "Kathleen Booth", "Mallory Maker",
)  # fmt: skip
ESSAY = "Because every gradient that reaches A has passed through B first."
Expected = Literal["full", "none", "some"]


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One hand-in: what stands in it and what the judge must make of it."""

    what: str
    expected: Expected
    content: bytes
    exercise: str | None = None
    """The one exercise that is wrong, when just one is."""
    sentence: str | None = None
    """What the feedback must say about it."""
    student: str = ""
    name: str = ""


def submissions(folder: Path, release: Path) -> tuple[Submission, ...]:
    """Twelve hand-ins of the lab whose source is `folder` and whose release is `release`."""
    material = collect_material(folder)
    pristine = read_notebook(release / f"{release.name}.ipynb")
    maker = _Maker(material, pristine)
    made = [
        maker.reference(),
        maker.alternative(),
        maker.stub(),
        maker.half_done(),
        *(maker.mistake(variant) for variant in _one_per_exercise(material)[:MISTAKES]),
        maker.syntax_error(),
        maker.broken(),
        maker.hostile(),
    ]
    return tuple(
        replace(submission, student=f"s{index:02d}", name=name)
        for index, (name, submission) in enumerate(zip(NAMES, made, strict=True), start=1)
    )


def write_submissions(made: tuple[Submission, ...], folder: Path, lab: str) -> None:
    """Write each to `folder/STUDENT/LAB.ipynb`, as a folder of hand-ins to collect."""
    for submission in made:
        target = folder / submission.student / f"{lab}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, submission.content)


def _one_per_exercise(material: Material) -> list[Variant]:
    return [material.of(material.mistakes, exercise)[0] for exercise in material.spec.by_name]


@dataclass(frozen=True)
class _Maker:
    material: Material
    pristine: Node

    def _filled(self, answers: Mapping[str, str]) -> bytes:
        """The release notebook with `answers` typed into its solution cells."""
        notebook = copy.deepcopy(self.pristine)
        for exercise, source in answers.items():
            find_cell(notebook, exercise)["source"] = source
        return notebook_text(notebook).encode("utf-8")

    def _references(self) -> dict[str, str]:
        return {name: self.material.source(name) for name in self.material.spec.by_name}

    def _written(self) -> dict[str, str]:
        """Answers for a person to read: without them there would be nothing left to grade."""
        return {question.name: ESSAY for question in self.material.spec.written}

    def reference(self) -> Submission:
        content = self._filled(self._references() | self._written())
        return Submission(what="the reference solution", expected="full", content=content)

    def alternative(self) -> Submission:
        chosen = {
            name: self.material.of(self.material.alternatives, name)[0].code
            for name in self.material.spec.by_name
        }
        content = self._filled(chosen | self._written())
        return Submission(what="right, written differently", expected="full", content=content)

    def stub(self) -> Submission:
        return Submission(what="nothing filled in", expected="none", content=self._filled({}))

    def half_done(self) -> Submission:
        names = list(self.material.spec.by_name)
        half = {name: self.material.source(name) for name in names[: len(names) // 2]}
        return Submission(what="first half done", expected="some", content=self._filled(half))

    def mistake(self, variant: Variant) -> Submission:
        slip = variant.id.partition("__")[2].replace("_", " ")
        return Submission(
            what=f"{variant.exercise}: {slip}",
            expected="some",
            content=self._filled(self._references() | {variant.exercise: variant.code}),
            exercise=variant.exercise,
            sentence=variant.sentence,
        )

    def syntax_error(self) -> Submission:
        exercise = next(iter(self.material.spec.by_name))
        answers = self._references() | {exercise: "def oops(:\n    return"}
        return Submission(
            what=f"syntax error in {exercise}",
            expected="some",
            content=self._filled(answers),
            exercise=exercise,
        )

    def broken(self) -> Submission:
        content = b"%PDF-1.7 I exported it for you"
        return Submission(what="a file that is no notebook", expected="none", content=content)

    def hostile(self) -> Submission:
        specs = self.material.spec.exercises
        answers = {
            spec.name: hostile_cell(spec.names, first=index == 0)
            for index, spec in enumerate(specs)
        }
        content = self._filled(answers)
        return Submission(what="hostile: patches, forks", expected="none", content=content)
