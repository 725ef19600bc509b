"""What a judged hand-in leaves behind: a line in the ledger and one in the instructor's log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from autograder.course import Course
from autograder.grading import cache
from autograder.judge.incidents import OTHER_CELLS
from autograder.judge.verdict import Verdict
from autograder.ledger import Entry

if TYPE_CHECKING:
    from autograder.grading.session import Lab, Reading

LOG = "judged.log"
NOTES_KEPT = 20


def entry_of(
    reading: Reading, lab: Lab, judged: cache.Judged, verdict: Verdict, course: Course
) -> Entry:
    """The ledger's entry on a judged hand-in. `verdict` has what happened to the notebook too."""
    return Entry(
        student=reading.student,
        lab=reading.lab,
        submission=reading.submission,
        originals=list(reading.originals),
        key=reading.key,
        verdict=cache.verdict_hash(verdict),
        lab_hash=lab.hash,
        judge_hash=cache.tool_hash(),
        seed_hash=course.seed_hash,
        level=verdict.level,
        limits={e.name: e.limits.model_dump() for e in lab.spec.exercises},
        submission_limits=lab.spec.limits.model_dump(),
        service=lab.spec.service.model_dump(mode="json") if lab.spec.service else {},
        exercises={
            e.exercise: {"points": e.points, "max_points": e.max_points, "status": e.status}
            for e in verdict.exercises
        },
        incidents=incidents_of(verdict),
        notes=list(verdict.notes[:NOTES_KEPT]),
        points=verdict.points,
        max_points=verdict.max_points,
        timings={name: used.model_dump() for name, used in judged.observed.used.items()},
        seconds=judged.seconds,
        at=judged.at,
    )


def incidents_of(verdict: Verdict) -> dict[str, list[str]]:
    """The incidents of each exercise that has any."""
    found = {e.exercise: e.incidents for e in verdict.exercises}
    found[OTHER_CELLS] = verdict.incidents
    return {name: [*words] for name, words in found.items() if words}


def log_judged(course: Course, entry: Entry) -> None:
    """Say in `logs/judged.log` what was judged, with the seed it can be judged again with."""
    seen = "".join(f"; {name}: {', '.join(words)}" for name, words in entry.incidents.items())
    line = (
        f"{entry.at} {entry.lab} {entry.student}: {entry.points:g} of {entry.max_points:g} points, "
        f"level {entry.level}, {entry.seconds:g} s, seed {course.data.seed!r}, "
        f"sha256 {entry.submission}{seen}\n"
    )
    course.logs.mkdir(parents=True, exist_ok=True)
    # Only the instructor: the seed tells the hidden inputs to whoever has the judge.
    handle = os.open(course.logs / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
