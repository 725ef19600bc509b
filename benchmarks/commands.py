"""CPU and wall seconds of the commands people wait for, each against a rival in the same run.

    python benchmarks/commands.py [--runs 3]

`labkit --help` is compared with an interpreter that does nothing, `labkit check` with a bare
import of what the lab's notebook imports, and `labkit demo` with itself per submission.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LAB = "lab05_lora_math"
LABKIT = [sys.executable, "-m", "autograder.cli"]
IMPORTS = "import pytest, hypothesis, numpy, torch"


@dataclass(frozen=True)
class Cost:
    """Seconds of the best of several runs, children included."""

    cpu: float
    wall: float


def measure(command: list[str], runs: int, cwd: Path) -> Cost:
    """Run `command` `runs` times in `cwd` and keep the cheapest.

    Raises:
        RuntimeError: it failed.
    """
    costs: list[Cost] = []
    for _ in range(runs):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-500:]}")
        cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
        costs.append(Cost(cpu, wall))
    return min(costs, key=lambda cost: cost.cpu)


def line(name: str, cost: Cost, rival: str, other: Cost) -> str:
    """One row of the table."""
    return (
        f"{name:32} {cost.cpu:7.2f} CPU s {cost.wall:7.2f} s   "
        f"{cost.cpu / other.cpu:6.1f} x {rival} ({other.cpu:.2f} CPU s)"
    )


def solved_lab(folder: Path, lab: str = LAB) -> Path:
    """A student's folder of `lab` below `folder`, with the reference solution typed in."""
    from autograder.demo.submissions import submissions
    from autograder.lab import labs_folder, solutions_folder

    subprocess.run([*LABKIT, "start", lab], cwd=folder, check=True, capture_output=True)
    work = folder / "work" / lab
    reference = submissions(solutions_folder() / lab, labs_folder() / lab)[0]
    (work / f"{lab}.ipynb").write_bytes(reference.content)
    return work


def main() -> None:
    """Print the table."""
    from autograder.lab import list_labs, solutions_folder

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the cheapest counts")
    runs = parser.parse_args().runs
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nothing = measure([sys.executable, "-c", "pass"], runs, folder)
        imports = measure([sys.executable, "-c", IMPORTS], runs, folder)
        print(line("labkit --help", measure([*LABKIT, "--help"], runs, folder), "python", nothing))
        work = solved_lab(folder)
        cost = measure([*LABKIT, "check", LAB, "merge"], runs, work)
        print(line("labkit check LAB merge (cold)", cost, "the imports", imports))
        for lab in list_labs(solutions_folder()):
            there = work if lab == LAB else solved_lab(folder, lab)
            cost = measure([*LABKIT, "check", lab], runs, there)
            print(
                line(f"labkit check {lab.partition('_')[0]} (cold)", cost, "the imports", imports)
            )
        demo = measure([*LABKIT, "demo", "--dir", "demo"], 1, folder)
        print(line("labkit demo (12 submissions)", demo, "the imports", imports))


if __name__ == "__main__":
    main()
