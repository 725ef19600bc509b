"""How long jobs show their progress: a bar per stage, or plain lines where nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

Told = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and how much there is."""

NAMES = {"judge": "Judging", "record": "Recording"}
"""How stages with a name of code are shown; others name themselves."""


@contextmanager
def progress_shown(*, plain: Literal["each", "stages", "nothing"]) -> Generator[Told]:
    """A function to report progress to; what it shows goes to stderr.

    `plain` says what a file or a pipe gets: a line for each thing done, a line for each stage
    when it is finished, or nothing.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal and plain != "nothing":
        with _bars(console) as tell:
            yield tell
        return

    def say(stage: str, done: int, total: int) -> None:
        if plain == "each" and total:
            console.print(f"{NAMES.get(stage, stage)} {done}/{total}", highlight=False)
        elif plain == "stages" and done == total:
            console.print(f"{NAMES.get(stage, stage)}: {done} done", highlight=False)

    yield say


@contextmanager
def _bars(console: Console) -> Generator[Told]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(NAMES.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell
