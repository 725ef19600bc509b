"""One run of a judge on its own reference, kept: what it asks, and what the reference answers.

For the same seed hypothesis gives the same inputs as long as no answer is wrong. So they are made
once, with the reference in the student's place; a submission is first asked the kept ones. Only
where an answer differs does hypothesis itself run, and look for a smaller input.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.errors import HypothesisException

from autograder.judge.determinism import seed_globals
from autograder.judge.subject import Subject
from autograder.sandbox import wire
from autograder.sandbox.ops import CellReport, Op, Outcome, SourceCell

FIXTURES = frozenset({"student", "reference", "requests"})


class Inconsistent(Exception):
    """What was wrong when a kept input was asked is right when hypothesis asks."""


class OffScript(BaseException):
    """The case asks something else than at the rehearsal. No `Exception`: no case may catch it."""


@dataclass(frozen=True)
class Example:
    """One example of one case: its generated inputs, and what was asked of the reference.

    `answers` are pairs of an operation and its outcome, both encoded, in the order asked.
    """

    inputs: dict[str, Any]
    answers: tuple[tuple[bytes, bytes], ...]

    def fresh_inputs(self) -> dict[str, Any]:
        """The inputs, free to be changed."""
        return copy.deepcopy(self.inputs)


class Prompter(Subject):
    """The reference with a memory: records what it answers, or repeats what it answered.

    While it repeats, the real reference is asked nothing, so an operation that is not the
    recorded one cannot be answered: `OffScript`.
    """

    def __init__(self, real: Subject) -> None:
        super().__init__()
        self._real = real
        self._recorded: list[tuple[bytes, bytes]] = []
        self._script: Sequence[tuple[bytes, bytes]] | None = None
        self._next = 0

    def follow(self, script: Sequence[tuple[bytes, bytes]] | None) -> None:
        """Repeat `script` from its start; None asks the real reference, and records."""
        self._script, self._next, self._recorded = script, 0, []

    @property
    def recorded(self) -> tuple[tuple[bytes, bytes], ...]:
        """What the real reference was asked and answered since `follow`."""
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


class Stage:
    """Where the cases of one run play: recorded, repeated from a rehearsal, or neither."""

    def __init__(
        self, prompter: Prompter | None = None, rehearsal: Rehearsal | None = None
    ) -> None:
        self._prompter = prompter
        self._rehearsal = rehearsal
        self._kept: dict[str, list[Example]] = {}
        self._unfit: set[str] = set()

    def examples(self, case: str) -> Sequence[Example] | None:
        """What was kept of a case; None: it has to run in full."""
        return None if self._rehearsal is None else self._rehearsal.get(case)

    def rehearsal(self) -> Rehearsal:
        """What this run recorded."""
        return {case: kept for case, kept in self._kept.items() if case not in self._unfit}

    def recorded(self, case: str, test: Callable[..., None]) -> Callable[..., None]:
        """`test` with each example kept, in a run that records."""
        prompter = self._prompter
        if prompter is None or self._rehearsal is not None:
            return test

        @functools.wraps(test)
        def example(*args: Any, **kwargs: Any) -> None:
            inputs = self._copied(case, kwargs)
            prompter.follow(None)
            test(*args, **kwargs)
            self._kept.setdefault(case, []).append(Example(inputs, prompter.recorded))

        return example

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
