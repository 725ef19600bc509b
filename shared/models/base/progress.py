"""How far a training run is: a bar on a terminal, a line every 50 steps elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Generator

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 50
Tick = Callable[[int, float], None]
"""Is told how many steps are done, and the loss of the last one, nats a token."""


@contextlib.contextmanager
def bar(title: str, done: int, total: int, *, quiet: bool) -> Generator[Tick]:
    """Show steps `done` to `total` of what `title` names; nothing at all when `quiet`."""
    if quiet:
        yield lambda step, loss: None
        return
    if not sys.stdout.isatty():
        yield _lines(title, total)
        return
    columns = (
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as shown:
        task = shown.add_task(title, total=total, completed=done, loss=float("nan"))
        yield lambda step, loss: shown.update(task, completed=step, loss=loss)


def _lines(title: str, total: int) -> Tick:
    begun = time.monotonic()

    def line(step: int, loss: float) -> None:
        if step % EVERY == 0 or step == total:
            seconds = time.monotonic() - begun
            print(f"{title}: step {step}/{total} loss {loss:.4f} {seconds:.0f} s", flush=True)

    return line
