"""What `labkit grade` shows: a progress bar, or plain lines where nobody watches, and the table."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.grading import Graded
    from autograder.grading.batch import Progress

STAGES = {"judge": "Judging", "record": "Recording"}


@contextmanager
def progress_shown(*, quiet: bool) -> Generator[Progress]:
    """A function to report progress to."""
    import sys

    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield lambda stage, done, total: None
    elif console.is_terminal:
        with _bars(console) as tell:
            yield tell
    else:

        def say(stage: str, done: int, total: int) -> None:
            if total:
                print(f"{STAGES[stage]} {done}/{total}", file=sys.stderr, flush=True)

        yield say


@contextmanager
def _bars(console: object) -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    assert isinstance(console, Console)
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES[stage], total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def show_table(results: Sequence[Graded]) -> None:
    """One line a student, notes and errors below."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("student", "points", "score", "status", "exercises not passed")
    for result in results:
        status = result.status + (", written part waits" if result.waits_for_person else "")
        failed = [
            e.exercise
            for e in (result.verdict.exercises if result.verdict else ())
            if e.status != "passed"
        ]
        table.add_row(
            escape(result.student),
            f"{result.points:g} / {result.max_points:g}",
            f"{result.score:g} / {result.max_score:g}",
            escape(status),
            ", ".join(failed),
        )
    console.print(table)
    levels = sorted({r.verdict.level for r in results if r.verdict})
    for result in results:
        for line in (*result.notes, *([result.error] if result.error else [])):
            console.print(f"{result.student}: {line}", markup=False, highlight=False)
    if "trusted" in levels:
        console.print("Graded WITHOUT a sandbox (--trust-students).", style="bold red")
