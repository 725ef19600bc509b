"""The code under judgement, wherever it runs.

Subject                  load cells, execute one operation, keep the trace of an example
+-- LocalSubject         in this process: the reference, known mistakes, a student's own check
+-- JailSubject          in a jailed fork, over a pipe
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from autograder.judge.budget import CpuBudget
from autograder.judge.trace import Say, Step, Trace, call_shown
from autograder.sandbox.ops import (
    Call,
    CellReport,
    Handle,
    Op,
    Outcome,
    Raised,
    Returned,
    Snippet,
    SourceCell,
)


class StudentError(Exception):
    """The student's code raised. `raised` says what and where in the student's own lines."""

    def __init__(self, raised: Raised, call: str, expected: str = "a value") -> None:
        super().__init__(f"{call} raised {raised.type_name}: {raised.message}")
        self.raised = raised
        self.call = call
        self.expected = expected


class Stopped(BaseException):
    """The code is not there to be asked: not attempted, out of time, dead.

    No `Exception`, so that hypothesis neither catches it nor searches for a smaller input.
    `reason`: "not attempted", "undefined", or how its process ended: "timeout", "memory",
    "output", "killed", "protocol".
    """

    def __init__(self, reason: str, call: str = "") -> None:
        super().__init__(f"{reason}: {call}" if call else reason)
        self.reason = reason
        self.call = call


_MAY_HOLD_OBJECTS = (Handle, list, tuple, dict)


class Subject(ABC):
    """One namespace of code. `stub` is the start of the message an unsolved exercise raises."""

    level = "trusted"

    def __init__(self, *, stub: str | None = None) -> None:
        self.stub = stub
        self._steps: list[Step] = []
        self._keeps_objects = False
        self._unwritten = False
        """Whether the exercise's cell itself stopped at the stub, as a class not written does."""
        self.pending: tuple[Op, Say] | None = None
        """The operation that was running when the code stopped answering."""

    @property
    def trace(self) -> Trace:
        """What was asked since the last reset."""
        return tuple(self._steps)

    def ask(self, op: Op, say: Say) -> Outcome:
        """Execute `op` and keep it in the trace.

        Raises:
            Stopped: the exercise is not attempted, or the code ran out of time or died.
        """
        self.pending = (op, say)
        outcome = self._execute(op)
        self.pending = None
        self._steps.append(Step(op, outcome, say))
        if isinstance(outcome, Returned) and isinstance(outcome.value, _MAY_HOLD_OBJECTS):
            self._keeps_objects = True
        if self.stub and isinstance(outcome, Raised):
            if is_stub(outcome, self.stub):
                raise Stopped("not attempted", say())
            if missing := undefined_name(op, outcome):
                raise Stopped("not attempted" if self._unwritten else "undefined", missing)
        return outcome

    def stop(self, reason: str) -> NoReturn:
        """Say that the code is gone, and with which call if one was running."""
        asked = self.trace
        if self.pending is not None:
            asked = (*asked, Step(self.pending[0], Returned(None), self.pending[1]))
        raise Stopped(reason, call_shown(asked) if self.pending else "") from None

    def reset(self) -> None:
        """Forget the objects and the trace of the last example."""
        self._steps = []
        if self._keeps_objects:
            self._keeps_objects = False
            self._reset()

    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        """Run cells; an error in one does not stop the next. Stopped: they do not end."""
        reports = self._load(cells)
        errors = [report.error for report in reports if report.error is not None]
        if self.stub and any(is_stub(error, self.stub) for error in errors):
            self._unwritten = True
        return reports

    @abstractmethod
    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]: ...

    @abstractmethod
    def _execute(self, op: Op) -> Outcome: ...

    @abstractmethod
    def _reset(self) -> None: ...

    def close(self) -> str:
        """End it; what it printed comes back."""
        return ""


def is_stub(raised: Raised, stub: str) -> bool:
    """Whether this is the NotImplementedError that stands in an exercise not yet written."""
    return "NotImplementedError" in raised.mro and raised.message.startswith(stub)


def undefined_name(op: Op, raised: Raised) -> str | None:
    """The name that the judge asked for and nobody defined, if that is what went wrong.

    A NameError inside the student's code has lines of it and is an error like any other.
    """
    if raised.type_name != "NameError" or raised.lines or not isinstance(op, Call | Snippet):
        return None
    found = re.fullmatch(r"name '(\w{1,80})' is not defined", raised.message)
    return found[1] if found else None


class _Interpreter(Protocol):
    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]: ...
    def execute(self, op: Op) -> Outcome: ...
    def reset(self) -> None: ...


class LocalSubject(Subject):
    """Trusted code in this process; the interpreter copies what goes in and out, like a pipe."""

    def __init__(
        self, interpreter: _Interpreter, *, stub: str | None = None, cpu_seconds: float = 0
    ) -> None:
        super().__init__(stub=stub)
        self._interpreter = interpreter
        self._budget = CpuBudget(cpu_seconds)

    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        reports: tuple[CellReport, ...] = ()
        with self._budget:
            reports = self._interpreter.load(cells)
        self._stop_when_spent()
        return reports

    def _execute(self, op: Op) -> Outcome:
        outcome: Outcome = Returned(None)
        with self._budget:
            outcome = self._interpreter.execute(op)
        self._stop_when_spent()
        return outcome

    def _stop_when_spent(self) -> None:
        if self._budget.spent:
            self.stop("timeout")

    def _reset(self) -> None:
        self._interpreter.reset()


class _Jail(Protocol):
    @property
    def level(self) -> str: ...
    @property
    def stdout(self) -> str: ...
    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]: ...
    def execute(self, op: Op) -> Outcome: ...
    def execute_all(self, question: bytes) -> tuple[bytes, ...]: ...
    def outcome(self, answer: Any) -> Outcome: ...
    def reset(self) -> None: ...
    def close(self) -> object: ...


class JailSubject(Subject):
    """Untrusted code in a jailed fork."""

    def __init__(self, jail: _Jail, died: type[Exception], *, stub: str | None = None) -> None:
        super().__init__(stub=stub)
        self._jail = jail
        self._died = died
        self.level = jail.level

    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        try:
            return self._jail.load(cells)
        except self._died as death:
            self.stop(_reason(death))

    def _execute(self, op: Op) -> Outcome:
        try:
            return self._jail.execute(op)
        except self._died as death:
            self.stop(_reason(death))

    def ask_all(self, question: bytes) -> tuple[bytes, ...]:
        """Outcomes of what `sandbox.worker.many` made, as they came; kept in no trace.

        Raises:
            Stopped: the code ran out of time or died.
        """
        try:
            return self._jail.execute_all(question)
        except self._died as death:
            self.stop(_reason(death))

    def bounded(self, outcome: Outcome) -> Outcome:
        """One of these outcomes, decoded, as `ask` would give it.

        Raises:
            Stopped: it is none.
        """
        try:
            return self._jail.outcome(outcome)
        except self._died as death:
            self.stop(_reason(death))

    @property
    def printed(self) -> str:
        """What the code has printed so far."""
        return self._jail.stdout

    def _reset(self) -> None:
        try:
            self._jail.reset()
        except self._died as death:
            self.stop(_reason(death))

    def close(self) -> str:
        """End the fork."""
        printed = self._jail.stdout
        self._jail.close()
        return printed


def _reason(death: Exception) -> str:
    return str(getattr(death, "reason", "killed"))
