"""The two steps we put into nbgrader's autograder.

`GraftSubmission` is the first of the sanitizing steps: what goes on is the notebook as released,
with the student's answers on it. `JudgeSubmission` stands where nbgrader would execute the
notebook: it writes the judge's points and report into each check cell and nothing into any other,
so nbgrader's own scoring, feedback, formgrader and export work on as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import nbformat
from nbgrader.preprocessors import CheckCellMetadata, NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_solution
from traitlets import Unicode

from autograder.course import canonical_json
from autograder.errors import CourseError, LabError
from autograder.grading import cache, locks
from autograder.grading.gradebook import CHECK
from autograder.grading.session import Reading, Session, session_for
from autograder.handin import METADATA
from autograder.judge.verdict import ExerciseVerdict, Verdict


class CoursePreprocessor(NbGraderPreprocessor):
    """A step that knows its course."""

    course_dir = Unicode("", help="The course folder.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Do the step. When it fails, the submission is nobody's again."""
        root = Path(self.course_dir)
        try:
            session = session_for(root)
            student, lab = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
            if lab not in session.course.data.labs:
                raise LabError(
                    f"{lab} is not one of this course's labs, so there is no judge for it. "
                    f"Add it with: labkit course init {root} --lab {lab}"
                )
            return self.step(nb, session, session.read(student, lab)), resources
        except BaseException:
            locks.release_submissions(root)
            raise

    def step(self, notebook: Any, session: Session, reading: Reading) -> Any:
        """What the step makes of the notebook."""
        raise NotImplementedError


class GraftSubmission(CoursePreprocessor):
    """Put the student's answers onto the pristine release notebook and go on with that."""

    def step(self, notebook: Any, session: Session, reading: Reading) -> Any:
        """The grafted notebook, stamped with the submission it is made from."""
        grafted: Any = copy.deepcopy(reading.grafted.notebook)
        lab = {"lab": reading.lab, "submission": reading.submission}
        grafted.metadata[METADATA] = nbformat.from_dict(lab)
        return grafted


class JudgeSubmission(CoursePreprocessor):
    """Write the judge's points and report into the check cells."""

    def step(self, notebook: Any, session: Session, reading: Reading) -> Any:
        """The notebook with outputs in its check cells and nowhere else."""
        stamp = notebook.metadata.get(METADATA, {})
        if stamp.get("submission") != reading.submission:
            raise CourseError(
                f"The hand-in of {reading.student} changed while it was being graded. Grade again."
            )
        verdict = session.verdict(reading)
        write_verdict(notebook, verdict)
        notebook.metadata[METADATA] = {
            "lab": reading.lab,
            "submission": reading.submission,
            "key": reading.key,
            "verdict": cache.verdict_hash(verdict),
            "seed": session.course.seed_hash,
            "level": verdict.level,
        }
        return notebook


class CheckMetadataOnce(CheckCellMetadata):
    """nbgrader's own check, once for notebooks whose cells carry the same metadata.

    Grafted hand-ins carry that of the release, and nothing else decides what the check says.
    """

    _fine: ClassVar[set[str]] = set()

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Check the metadata, unless the same was found fine before."""
        marked = [c for c in nb.cells if "nbgrader" in c.metadata]
        facts = canonical_json([[c.cell_type, c.metadata.nbgrader] for c in marked])
        if facts not in self._fine:
            nb, resources = super().preprocess(nb, resources)
            self._fine.add(facts)
        return nb, resources


class SaveGradesAtOnce(SaveAutoGrades):
    """nbgrader's own step with one transaction a notebook where it makes one a cell.

    Scores are in the gradebook all together or not at all, and are waited for once.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Save the scores and comments of all cells."""
        self._last = len(nb.cells) - 1
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        """Save those of one cell, for good with those of the last."""
        session: Any = self.gradebook.db
        if cell_index == 0:
            self._commit, session.commit = session.commit, lambda: None
        done = super().preprocess_cell(cell, resources, cell_index)
        if cell_index == self._last:
            self._commit()
        return done


def write_verdict(notebook: Any, verdict: Verdict) -> None:
    """Give each check cell its exercise's outputs and clear every other cell.

    Raises:
        LabError: a check cell and the verdict do not name the same exercise or points.
    """
    by_name = {e.exercise: e for e in verdict.exercises}
    written: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if is_grade(cell) and not is_solution(cell):
            name = str(cell.metadata.nbgrader["grade_id"]).removeprefix(CHECK)
            if name not in by_name:
                raise LabError(f"The judge has no exercise for the cell {CHECK}{name}.")
            notes = _notes_on(name, verdict, by_name, first=not written)
            written.add(name)
            points = float(cell.metadata.nbgrader["points"])
            cell.outputs = outputs(by_name[name], points, notes)
    missing = [name for name in by_name if name not in written]
    if missing:
        raise LabError(f"The notebook has no check cell for {', '.join(missing)}.")


def _notes_on(
    name: str, verdict: Verdict, by_name: Mapping[str, ExerciseVerdict], *, first: bool
) -> tuple[str, ...]:
    """Remarks on one exercise's cell; the first report also has those on no exercise's cell."""
    about = {note: note.removeprefix("Cell ").partition(" ")[0] for note in verdict.notes}
    return tuple(n for n, cell in about.items() if cell == name or (first and cell not in by_name))


def outputs(verdict: ExerciseVerdict, max_points: float, notes: tuple[str, ...]) -> list[Any]:
    """What a check cell shows: the points, which nbgrader reads as the score, and the report."""
    from autograder.judge.feedback import as_markdown, as_text

    if verdict.max_points != max_points:
        raise LabError(
            f"{verdict.exercise} is worth {max_points:g} points in the notebook but "
            f"{verdict.max_points:g} for the judge. Run labkit course init for the lab again."
        )
    points = min(max(round(verdict.points, 6), 0.0), max_points)
    report = {
        "text/markdown": "\n".join([*map(_remark, notes), "", as_markdown(verdict)]).lstrip(),
        "text/plain": "\n".join([*(f"! {note}" for note in notes), as_text(verdict)]),
    }
    return [
        nbformat.v4.new_output("execute_result", {"text/plain": repr(points)}),
        nbformat.v4.new_output("display_data", report),
    ]


def _remark(note: str) -> str:
    """A line about the notebook itself, inert as markdown and HTML."""
    inert = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in note)
    return f"- About your notebook: {inert}"
