"""One run of a judge on its own reference, kept: what it asks, and what the reference answers.

For the same seed hypothesis gives the same inputs as long as no answer is wrong. So they are made
once, with the reference in the student's place; a submission is first asked the kept ones. Only
where an answer differs does hypothesis itself run, and look for a smaller input.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis.errors import HypothesisException

from autograder.judge.api import ASKS_ONLY
from autograder.judge.bench import Spawn
from autograder.judge.determinism import seed_globals
from autograder.judge.subject import Subject
from autograder.lab import ExerciseSpec, Limits
from autograder.sandbox import wire
from autograder.sandbox.ops import CellReport, Op, Outcome, Returned, SourceCell

FIXTURES = frozenset({"student", "reference", "requests"})

_NOTHING = wire.encode(Returned(None))

Script = tuple[tuple[bytes, bytes], ...]
"""Pairs of an operation and its outcome, both encoded."""


class Inconsistent(Exception):
    """What was wrong when a kept input was asked is right when hypothesis asks."""


class OffScript(BaseException):
    """The case asks something else than at the rehearsal. No `Exception`: no case may catch it."""


@dataclass(frozen=True)
class Example:
    """One example of one case: its generated inputs, and what was asked of the reference.

    `answers` are the reference's, `own` those of the code on the student's side, in the order
    asked.
    """

    inputs: dict[str, Any]
    answers: Script
    own: Script = ()
    fixtures: frozenset[str] = FIXTURES
    """Those that the case takes."""
    blind: bool = False
    """Whether what it asks never depends on an answer, so that all may be asked at once."""

    def fresh_inputs(self) -> dict[str, Any]:
        """The inputs, free to be changed."""
        return copy.deepcopy(self.inputs)


class Prompter(Subject):
    """A subject with a memory: records what it answers, or repeats what it answered.

    While it repeats, the real subject is asked nothing, so an operation that is not the recorded
    one cannot be answered: `OffScript`.
    """

    def __init__(self, real: Subject, *, stub: str | None = None) -> None:
        super().__init__(stub=stub)
        self._real = real
        self._recorded: list[tuple[bytes, bytes]] = []
        self._script: Sequence[tuple[bytes, bytes]] | None = None
        self._next = 0

    def follow(self, script: Sequence[tuple[bytes, bytes]] | None) -> None:
        """Repeat `script` from its start; None asks the real subject, and records."""
        self._script, self._next, self._recorded = script, 0, []

    @property
    def at_end(self) -> bool:
        """Whether all of the script was repeated."""
        return self._script is not None and self._next == len(self._script)

    @property
    def recorded(self) -> Script:
        """What the real subject was asked and answered since `follow`."""
        return tuple(self._recorded)

    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        return self._real._load(cells)

    def _execute(self, op: Op) -> Outcome:
        asked = wire.encode(op)
        if self._script is None:
            outcome = self._real._execute(op)
            self._recorded.append((asked, wire.encode(outcome)))
            return outcome
        if self._next >= len(self._script) or self._script[self._next][0] != asked:
            raise OffScript
        self._next += 1
        return wire.decode(self._script[self._next - 1][1])

    def _reset(self) -> None:
        self._real._reset()


Rehearsal = Mapping[str, Sequence[Example]]
"""The examples of each case, by the case's name. A case that cannot be repeated is absent."""


@dataclass(frozen=True)
class Scene:
    """One case of an exercise as it was rehearsed: what to ask, and the test that looks at it."""

    exercise: str
    case: str
    test: Callable[..., None]
    examples: tuple[Example, ...]


class Stage:
    """Where the cases of one run play: recorded, repeated from a rehearsal, or neither."""

    def __init__(
        self, prompter: Prompter | None = None, rehearsal: Rehearsal | None = None
    ) -> None:
        self._prompter = prompter
        self._rehearsal = rehearsal
        self._student: Prompter | None = None
        self._tests: dict[str, tuple[str, Callable[..., None]]] = {}
        self._kept: dict[str, list[Example]] = {}
        self._unfit: set[str] = set()
        self._plain: set[str] = set()

    def examples(self, case: str) -> Sequence[Example] | None:
        """What was kept of a case; None: it has to run in full."""
        return None if self._rehearsal is None else self._rehearsal.get(case)

    def rehearsal(self) -> Rehearsal:
        """What this run recorded."""
        left_out = self._unfit | self._plain
        return {case: kept for case, kept in self._kept.items() if case not in left_out}

    def scenes(self) -> list[Scene]:
        """What this run recorded, case by case in the order played; unfit cases without examples.

        Unlike `rehearsal` it has the cases that generate nothing too.
        """
        return [
            Scene(exercise, case, test, () if case in self._unfit else tuple(self._kept[case]))
            for case, (exercise, test) in self._tests.items()
        ]

    def recording(self, spawn: Spawn) -> Spawn:
        """`spawn`, with what the code on the student's side answers recorded as well."""

        def spawned(exercise: ExerciseSpec, limits: Limits) -> Subject:
            self._student = Prompter(spawn(exercise, limits))
            return self._student

        return spawned

    def recorded(
        self,
        case: str,
        test: Callable[..., None],
        *,
        exercise: str = "",
        generated: bool = True,
    ) -> Callable[..., None]:
        """`test` with each example kept, in a run that records."""
        prompter = self._prompter
        if prompter is None or self._rehearsal is not None:
            return test
        self._tests[case] = exercise, test
        if not generated:
            self._plain.add(case)

        @functools.wraps(test)
        def example(*args: Any, **kwargs: Any) -> None:
            inputs, fixtures = self._copied(case, kwargs), FIXTURES & kwargs.keys()
            prompter.follow(None)
            if self._student is not None:
                self._student.follow(None)
            test(*args, **kwargs)
            own = self._student.recorded if self._student is not None else ()
            kept = Example(inputs, prompter.recorded, own, fixtures)
            again = functools.partial(test, **{name: kwargs[name] for name in fixtures})
            kept = replace(kept, blind=self._asks_blindly(again, kept))
            self._kept.setdefault(case, []).append(kept)

        return example

    def _asks_blindly(self, test: Callable[..., None], example: Example) -> bool:
        """Whether the same is asked of both sides when every answer is None.

        What is asked may hold an answer (`unmerge(merge(w))`), the student's or the reference's:
        then code must not see it before it has given its own.
        """
        if self._student is None or self._prompter is None or len(example.own) < 2:
            return len(example.own) == 1
        sides = {self._student: example.own, self._prompter: example.answers}
        for side, script in sides.items():
            side.follow([(asked, _NOTHING) for asked, _ in script])
        token = ASKS_ONLY.set(True)
        try:
            test(**example.fresh_inputs())
        except (Exception, HypothesisException, OffScript):
            return False
        finally:
            ASKS_ONLY.reset(token)
            complete = all(side.at_end for side in sides)
            for side in sides:
                side.follow(None)
        return complete

    def replay(
        self,
        test: Callable[..., None],
        fixtures: Mapping[str, Any],
        examples: Sequence[Example],
    ) -> bool:
        """Ask every kept example; False as soon as one does not go through as at the rehearsal."""
        assert self._prompter is not None
        try:
            for example in examples:
                seed_globals()
                self._prompter.follow(example.answers)
                test(**fixtures, **example.fresh_inputs())
        except (Exception, HypothesisException, OffScript):
            return False
        finally:
            self._prompter.follow(None)
        return True

    def _copied(self, case: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        inputs = {name: value for name, value in arguments.items() if name not in FIXTURES}
        try:
            return copy.deepcopy(inputs)
        except Exception:  # for instance `st.data()`, which draws while the case runs
            self._unfit.add(case)
            return {}
