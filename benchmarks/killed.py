"""SIGKILL of the grader at random moments: is the gradebook the one of an undisturbed run?

    python benchmarks/killed.py [--submissions 300 --kills 20 --seed 1]

Two courses with one seed get the same hand-ins. One is graded by one `labkit grade`; the grader of
the other is killed again and again, and at last left alone. Prints what was found and exits with 1
when anything differs, when a process outlives its grader, or when a kill came too late.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import ledger
from autograder.course import Course

LAB = "lab05_lora_math"
LATEST = 0.97
"""Share of the work after which no moment is drawn: the run must still be there to be killed."""
DELAY_SECONDS = 3.0
GONE_SECONDS = 10.0
SHOWN = 6
_SCORES = """
    select s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
    from grade g join base_cell c on c.id = g.cell_id
    join submitted_notebook n on n.id = g.notebook_id
    join submitted_assignment s on s.id = n.assignment_id"""
_COMMENTS = """
    select s.student_id, c.name, m.auto_comment, m.manual_comment
    from comment m join base_cell c on c.id = m.cell_id
    join submitted_notebook n on n.id = m.notebook_id
    join submitted_assignment s on s.id = n.assignment_id"""


@dataclass(frozen=True)
class Kill:
    """One kill: how much was done then, and how many processes were left some seconds later."""

    judged: int
    recorded: int
    after_seconds: float
    left: int


def grader(course: Course, lab: str) -> list[str]:
    """The command that is killed."""
    labkit = [sys.executable, "-m", "autograder.cli", "grade", lab]
    return [*labkit, "--course", str(course.root), "--jobs", "2", "--json"]


def done(course: Course, lab: str) -> tuple[int, int]:
    """How many verdicts there are, and how many notebooks nbgrader has begun to record."""
    judged = sum(1 for _ in course.verdicts.glob("*.json"))
    return judged, sum(1 for _ in course.root.glob(f"autograded/*/{lab}/{lab}.ipynb"))


def run(command: Sequence[str], scratch: Path) -> subprocess.Popen[bytes]:
    """Start the grader; all that comes from it can be told by its temporary folder."""
    scratch.mkdir(exist_ok=True)
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(scratch)}
    )


def alive(scratch: Path) -> list[int]:
    """Processes that were started with `scratch` as their temporary folder."""
    wanted, found = f"TMPDIR={scratch}\0".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it ended, or belongs to somebody else
            continue
    return found


def left_behind(scratch: Path) -> int:
    """Processes that are still there when they had time to notice."""
    end = time.monotonic() + GONE_SECONDS
    while (left := len(alive(scratch))) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def kill_at(
    course: Course, lab: str, command: Sequence[str], scratch: Path, *, work: int, delay: float
) -> Kill | None:
    """Run the grader and kill it `delay` seconds after `work` is done; None when it ended first."""
    start = time.monotonic()
    with run(command, scratch) as process:
        while process.poll() is None and sum(done(course, lab)) < work:
            time.sleep(0.02)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return None
    seconds = time.monotonic() - start
    left = left_behind(scratch)
    return Kill(*done(course, lab), seconds, left)


def kill_again_and_again(
    course: Course, lab: str, command: Sequence[str], scratch: Path, *, kills: int, seed: int
) -> list[Kill]:
    """Kill `kills` runs, at moments drawn over the whole work, then let one end.

    Raises:
        RuntimeError: the last run failed.
    """
    chance = random.Random(seed)
    handed_in = len(course.handed_in(lab))
    moments = sorted(chance.uniform(0, LATEST * 2 * handed_in) for _ in range(kills))
    killed: list[Kill] = []
    for moment in moments:
        delay = chance.uniform(0, DELAY_SECONDS)
        kill = kill_at(course, lab, command, scratch, work=round(moment), delay=delay)
        if kill is not None:
            killed.append(kill)
    grade(command, scratch)
    return killed


def grade(command: Sequence[str], scratch: Path) -> float:
    """An undisturbed run; its seconds.

    Raises:
        RuntimeError: it failed.
    """
    start = time.monotonic()
    with run(command, scratch) as process:
        if (code := process.wait()) != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {code}.")
    return time.monotonic() - start


def rows(course: Course, query: str) -> Counter[tuple[object, ...]]:
    """What the gradebook answers; a row that is there twice counts twice."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as book:
        return Counter(book.execute(query).fetchall())


def table_sizes(course: Course) -> dict[str, int]:
    """Rows of each table of the gradebook."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as book:
        names = book.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {n: book.execute(f'select count(*) from "{n}"').fetchone()[0] for (n,) in names}


def lines(course: Course) -> Counter[tuple[str, str]]:
    """The ledger's entries by student and id, which leaves out when and how long."""
    read = ledger.read(course.ledger_path)
    return Counter((str(line["student"]), str(line["id"])) for line in read)


def notebooks(course: Course, lab: str) -> dict[str, bytes]:
    """The graded notebooks by student."""
    found = course.root.glob(f"autograded/*/{lab}/{lab}.ipynb")
    return {path.parent.parent.name: path.read_bytes() for path in found}


def told_apart(mine: Mapping[Any, object], theirs: Mapping[Any, object]) -> str:
    """The first few keys whose values differ."""
    keys = {key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key)}
    return f"{len(keys)}: " + ", ".join(sorted(map(str, keys))[:SHOWN])


def differences(one: Course, other: Course, lab: str) -> list[str]:
    """In what two graded courses differ, one line each; empty when they are the same."""
    pairs: dict[str, tuple[Mapping[Any, object], Mapping[Any, object]]] = {
        "grades": (rows(one, _SCORES), rows(other, _SCORES)),
        "comments": (rows(one, _COMMENTS), rows(other, _COMMENTS)),
        "table sizes": (table_sizes(one), table_sizes(other)),
        "ledger entries": (lines(one), lines(other)),
        "graded notebooks": (notebooks(one, lab), notebooks(other, lab)),
    }
    found = [
        f"{name} differ, {told_apart(mine, theirs)}"
        for name, (mine, theirs) in pairs.items()
        if mine != theirs
    ]
    for course in (one, other):
        found += [f"ledger of {course.root.name}: {p}" for p in ledger.verify(course.ledger_path)]
    if not rows(one, _SCORES) or len(notebooks(one, lab)) != len(one.handed_in(lab)):
        found.append(f"{one.root.name} is not graded: there is nothing to compare")
    return found


def report(killed: Sequence[Kill], wanted: int, found: Sequence[str], course: Course) -> bool:
    """Print the outcome; whether it is the one hoped for."""
    print(f"{'kill':>4} {'seconds into the run':>21} {'judged':>7} {'recorded':>9} {'left':>5}")
    for number, kill in enumerate(killed, start=1):
        print(
            f"{number:4} {kill.after_seconds:21.1f} {kill.judged:7} {kill.recorded:9} {kill.left:5}"
        )
    print(f"kills: {len(killed)} of {wanted}")
    print(f"processes that outlived their grader: {sum(kill.left for kill in killed)}")
    grades = rows(course, _SCORES)
    print(f"grades compared: {grades.total()}, of {len(set(grades))} kinds")
    print("\n".join(found) or "the gradebook, the ledger and the graded notebooks are the same")
    return len(killed) == wanted and not found and not any(kill.left for kill in killed)


def main() -> int:
    """Make both courses, grade them and compare."""
    from killing.hand_ins import two_courses

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="draws the hand-ins and the moments")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="labkit-killed-") as name:
        base = Path(name)
        calm, restless = two_courses(base, LAB, options.submissions, options.seed)
        seconds = grade(grader(calm, LAB), base / "tmp-calm")
        print(f"{options.submissions} hand-ins of {LAB}, seed {options.seed}")
        print(f"undisturbed run: {seconds:.0f} s", flush=True)
        scratch, start = base / "tmp-restless", time.monotonic()
        killed = kill_again_and_again(
            restless, LAB, grader(restless, LAB), scratch, kills=options.kills, seed=options.seed
        )
        print(f"killed runs and the last one: {time.monotonic() - start:.0f} s")
        found = differences(calm, restless, LAB)
        return 0 if report(killed, options.kills, found, calm) else 1


if __name__ == "__main__":
    sys.exit(main())
