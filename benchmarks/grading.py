"""`labkit grade` against stock `nbgrader autograde`: CPU and wall time, memory, same hand-ins.

    python benchmarks/grading.py [--stock 10 100] [--stock-same 5 25] [--ours 10 100]
                                 [--parallel 10 100 300]
    python benchmarks/grading.py --lab lab01_datum_renderers [--ours 10 30]

Both sides grade lab 5 as the same students handed it in (`classroom/hand_ins.py`): everybody the
reference's notebook, and a class of which half has something wrong. That costs us more, because the
smallest counterexample and its cause are looked for, and stock nothing. Each number of hand-ins is
in a new course and in processes of its own. The cost of one more hand-in is a difference of two
runs, so what both sides pay once cancels out; for it both work on one hand-in at a time, because
two processes on the two halves of one core get more CPU seconds each for the same work.

The rival executes a notebook whose check cells hold asserts (`classroom/asserts.py`), in nbgrader's
own configuration, a fresh kernel for each. Ours does all that `labkit grade` does: jails, verdicts,
ledger, nbgrader's conversion and gradebook. With `--lab` only the cost of one more hand-in of that
lab is measured. The exit status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classroom import asserts, courses, hand_ins

from autograder.audit.material import Material

JOBS = 2
CLASS = 100
MEASURE = Path(__file__).parent / "classroom" / "measure.py"
Course = Callable[[Path, Material, range, hand_ins.Write], None]


@dataclass(frozen=True)
class Cost:
    """What grading some hand-ins cost, everything that was started included."""

    cpu: float
    wall: float
    peak_mb: float
    code: int


@dataclass(frozen=True)
class Side:
    """One of the two graders: how its course is made and what its command is."""

    name: str
    make: Course
    command: Sequence[str]
    write: hand_ins.Write = hand_ins.answers

    def grade(self, folder: Path, known: Material, number: int, *, memory: bool = False) -> Cost:
        """Grade `number` hand-ins in a new course.

        Raises:
            RuntimeError: the grader failed.
        """
        root = folder / f"{self.name}-{number}"
        root.mkdir()
        self.make(root, known, range(number), self.write)
        environment = courses.with_programs() | {"MEASURE_MEMORY": str(int(memory))}
        command = [sys.executable, str(MEASURE), *self.command, known.spec.name]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        cost = Cost(**json.loads(done.stdout.splitlines()[-1]))
        if cost.code != 0:
            raise RuntimeError(f"{self.command} ended with {cost.code}: {done.stderr[-2000:]}")
        check_scores(root, number, known, everybody=self.write is hand_ins.same)
        shutil.rmtree(root)
        print(f"  {self.name} {number:4}: {cost.cpu:8.1f} CPU s {cost.wall:8.1f} s", flush=True)
        return cost


LABKIT = (str(courses.PROGRAMS / "labkit"), "grade")
OURS = Side("ours", courses.our_course, (*LABKIT, "--jobs", "1"))
PARALLEL = Side("parallel", courses.our_course, (*LABKIT, "--jobs", str(JOBS)))
STOCK = Side("stock", courses.stock_course, (str(courses.PROGRAMS / "nbgrader"), "autograde"))
OURS_SAME = replace(OURS, name="ours, same", write=hand_ins.same)
STOCK_SAME = replace(STOCK, name="stock, same", write=hand_ins.same)
TARGETS = {"lab01_datum_renderers": 1.0, "lab02_sl_loop": 6.0}
"""CPU seconds that one more hand-in may cost."""


def check_scores(root: Path, number: int, known: Material, *, everybody: bool) -> None:
    """Both graders must have graded: those who are right everywhere have every automatic point.

    That is `everybody`, or those of a mixed class that are.

    Raises:
        RuntimeError: somebody has not, or has no grade at all.
    """
    from nbgrader.api import Gradebook

    wanted = {hand_ins.student(n) for n in range(number)}
    right = {hand_ins.student(n) for n in range(number) if everybody or hand_ins.is_right(n)}
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        graded = {}
        for notebook in book.find_notebook(known.spec.name, known.spec.name).submissions:
            scores = [g.auto_score or 0 for g in notebook.grades if g.name.startswith("check_")]
            graded[notebook.student.id] = sum(scores)
    short = sorted(s for s in right if graded.get(s) != known.spec.automatic_points)
    if short or graded.keys() != wanted:
        raise RuntimeError(f"{root}: no full marks for {short}; {len(graded)} of {number} graded")


def checks_of_ours() -> int:
    """Examples that the judge asks of a hand-in that is right; wrong ones are asked more."""
    code = (
        "import sys; from pathlib import Path; from autograder.judge.examiner import prepare\n"
        "kept = prepare({'lab_dir': sys.argv[1], 'seed': 'benchmark'}, None)\n"
        "print(sum(len(examples) for examples in kept.rehearsal.values()))"
    )
    command = [sys.executable, "-c", code, str(hand_ins.material().folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def line(name: str, figure: str, target: str = "", met: bool = True) -> bool:
    """Print one row of the table."""
    verdict = ("met" if met else "MISSED") if target else ""
    print(f"{name:40} {figure:52} {target:>10} {verdict}")
    return met


def added(costs: dict[int, Cost], low: int, high: int) -> Cost:
    """What one more hand-in costs, from the runs with `low` and with `high` of them."""
    a, b, more = costs[low], costs[high], high - low
    return Cost((b.cpu - a.cpu) / more, (b.wall - a.wall) / more, 0.0, 0)


def compared(what: str, ours: dict[int, Cost], stock: dict[int, Cost], target: float = 0) -> bool:
    """Print what one more hand-in costs each side."""
    mine, theirs = (added(costs, min(costs), max(costs)).cpu for costs in (ours, stock))
    figure = f"{mine:.2f} / {theirs:.2f} = {theirs / mine:.1f} times less"
    told = f">= {target:g}" if target else ""
    return line(f"CPU s for one more, {what}", figure, told, theirs >= target * mine)


def table(costs: dict[Side, dict[int, Cost]], peaks: list[Cost]) -> list[bool]:
    """Print the table; which targets are met."""
    parallel, stock = costs[PARALLEL], costs[STOCK]
    few, many, high = min(parallel), max(parallel), max(stock)
    stock_one = added(stock, min(stock), high)
    long = stock[high].wall + (CLASS - high) * stock_one.wall
    faster = long / parallel[CLASS].wall
    ours_peak, stock_peak = (cost.peak_mb for cost in peaks)
    grown = parallel[many].wall / parallel[few].wall
    checks = checks_of_ours()
    rows = [
        compared("the same notebook", costs[OURS_SAME], costs[STOCK_SAME], 15),
        compared("half of them wrong", costs[OURS], stock),
        line("checks of each", f"{checks} / {asserts.count()}", "more", checks > asserts.count()),
        line(
            f"wall s for {CLASS}, --jobs {JOBS}",
            f"{parallel[CLASS].wall:.0f} / {long:.0f} (from {high}) = {faster:.1f} times less",
            ">= 10",
            faster >= 10,
        ),
        line(
            "peak memory, summed PSS",
            f"{ours_peak:.0f} / {stock_peak:.0f} MB = {ours_peak / stock_peak:.2f}",
            "<= 1.3",
            ours_peak <= 1.3 * stock_peak,
        ),
        line(f"time for {many} over that for {few}", f"{grown:.1f}", "<= 36", grown <= 36),
    ]
    line("otter run", "compare by hand" if shutil.which("otter") else "not installed here")
    return rows


def measure(options: argparse.Namespace) -> list[bool]:
    """Grade everything and print the table."""
    known = hand_ins.material()
    with tempfile.TemporaryDirectory(prefix="labkit-benchmark-") as name:
        folder = Path(name)
        # Taking turns, so that whatever else the machine does hits both.
        asked = {
            STOCK_SAME: options.stock_same, OURS_SAME: options.ours,
            STOCK: options.stock, OURS: options.ours, PARALLEL: options.parallel,
        }  # fmt: skip
        costs: dict[Side, dict[int, Cost]] = {side: {} for side in asked}
        for numbers in itertools.zip_longest(*asked.values()):
            for side, number in zip(costs, numbers, strict=True):
                if number is not None:
                    costs[side][number] = side.grade(folder, known, number)
        peaks = [side.grade(folder, known, 4, memory=True) for side in (PARALLEL, STOCK)]
    return table(costs, peaks)


def measure_lab(lab: str, numbers: list[int]) -> list[bool]:
    """Grade hand-ins of one lab, and print what one more costs."""
    known, target = hand_ins.material(lab), TARGETS.get(lab, math.inf)
    with tempfile.TemporaryDirectory(prefix="labkit-benchmark-") as name:
        costs = {n: OURS.grade(Path(name), known, n) for n in numbers}
    cost = added(costs, min(costs), max(costs)).cpu
    told = f"<= {target:g}" if lab in TARGETS else ""
    return [line(f"CPU s for one more {lab}", f"{cost:.2f}", told, cost <= target)]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lab")
    parser.add_argument("--stock", type=int, nargs="+", default=[10, CLASS])
    parser.add_argument("--stock-same", type=int, nargs="+", default=[5, 25])
    parser.add_argument("--ours", type=int, nargs="+", default=[10, CLASS])
    parser.add_argument("--parallel", type=int, nargs="+", default=[10, CLASS, 300])
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options = parser.parse_args()
    met = measure_lab(options.lab, options.ours) if options.lab else measure(options)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
