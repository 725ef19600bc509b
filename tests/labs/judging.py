"""One lab's judge and public checks for its tests: verdicts in this process, and the stub."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

from autograder.judge.places import local_spawn
from autograder.judge.runner import run
from autograder.judge.service import graded_service, service_for
from autograder.judge.session import Choice
from autograder.judge.verdict import Verdict
from autograder.notebook import reference_cells, replace_cell
from autograder.sandbox.ops import SourceCell

from .page import Page

Cells = tuple[SourceCell, ...]


@dataclass(frozen=True)
class Judging(Page):
    """The judge of the lab called `name`."""

    @cached_property
    def reference(self) -> Cells:
        return reference_cells(self.lab)

    def verdict_anew(
        self, cells: Cells, *, file: str = "judge.py", exercise: str | None = None
    ) -> Verdict:
        """The verdict in this process, without a jail; with a service where the lab needs one."""
        chosen = None if exercise is None else (exercise,)
        choice = Choice(seed="test", exercises=chosen, scored=file == "judge.py")
        with service_for(self.spec) as address, graded_service(self.spec, address) as service:
            spawn = local_spawn(self.spec, service=service)
            verdict, _ = run(cells, self.lab, self.spec, spawn, choice, file=file, service=service)
        return verdict

    verdict = cache(verdict_anew)

    def stub(self) -> Cells:
        """The reference with every body replaced by what a student starts from."""
        cells = self.reference
        for exercise in self.spec.exercises:
            stop = (
                f"raise NotImplementedError({f'{self.short} {exercise.name}: {exercise.title}'!r})"
            )
            lines = [f"def {name}(*args, **kwargs): {stop}" for name in exercise.names]
            cells = replace_cell(cells, exercise.name, "\n".join(lines))
        return cells
