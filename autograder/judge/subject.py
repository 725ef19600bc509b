"""The code under judgement, wherever it runs.

Subject                  load cells, execute one operation, keep the trace of an example
+-- LocalSubject         in this process: the reference, known mistakes, a student's own check
+-- JailSubject          in a jailed fork, over a pipe
+-- SpentSubject         nowhere: the whole hand-in has no time left
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NoReturn, Protocol

from autograder.judge.budget import CpuBudget
from autograder.judge.incidents import Incident, incident_of
from autograder.judge.trace import Asked, ReadLog, Say, Step, Trace, call_shown
from autograder.sandbox.limits import Limits, Usage
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
    "output", "killed", "protocol"; then `incident` is its word and `detail` the sandbox's sentence,
    for instructors.
    """

    def __init__(
        self, reason: str, call: str = "", *, incident: Incident | None = None, detail: str = ""
    ) -> None:
        super().__init__(f"{reason}: {call}" if call else reason)
        self.reason = reason
        self.call = call
        self.incident: Incident | None = incident
        self.detail = detail


_MAY_HOLD_OBJECTS = (Handle, list, tuple, dict)
_REFUSAL = "PermissionError"
"""What code gets to see of an operation that the jail denies."""


class ServiceLog(Protocol):
    """What the code asked of the Tinker service, as the service tells it."""

    def mark(self) -> None:
        """Forget what was asked until now."""
        ...

    def evidence(self) -> list[dict[str, object]]:
        """What was asked since then, without what differs from run to run."""
        ...


class Subject(ABC):
    """One namespace of code. `stub` is the start of the message an unsolved exercise raises."""

    level = "trusted"
    log: ServiceLog | None = None
    """There for code that has the Tinker service."""
    notes: tuple[str, ...] = ()
    """What a verdict should say of how it was judged; complete when it is closed."""
    seen: tuple[Incident, ...] = ()
    """What the door to the service saw; complete when it is closed."""

    def __init__(self, *, stub: str | None = None) -> None:
        self.stub = stub
        self._steps: list[Step] = []
        self._keeps_objects = False
        self._unwritten = False
        """Whether the exercise's cell itself stopped at the stub, as a class not written does."""
        self.pending: tuple[Asked, Say] | None = None
        """The operation that was running when the code stopped answering."""
        self.refused = False
        """Whether an answer was a PermissionError."""
        self.usage = Usage()
        """What its process used, once it is closed."""

    @property
    def trace(self) -> Trace:
        """What was asked since the last reset."""
        return tuple(self._steps)

    def ask(self, op: Asked, say: Say) -> Outcome:
        """Execute `op` and keep it in the trace.

        Raises:
            Stopped: the exercise is not attempted, or the code ran out of time or died.
        """
        self.pending = (op, say)
        outcome = self._read() if isinstance(op, ReadLog) else self._execute(op)
        self.pending = None
        self._steps.append(Step(op, outcome, say))
        if isinstance(outcome, Returned) and isinstance(outcome.value, _MAY_HOLD_OBJECTS):
            self._keeps_objects = True
        if isinstance(outcome, Raised) and is_refusal(outcome):
            self.refused = True
        if self.stub and isinstance(outcome, Raised):
            if is_stub(outcome, self.stub):
                raise Stopped("not attempted", say())
            if missing := undefined_name(op, outcome):
                raise Stopped("not attempted" if self._unwritten else "undefined", missing)
        return outcome

    def stop(self, reason: str, *, incident: Incident | None = None, detail: str = "") -> NoReturn:
        """Say that the code is gone, and with which call if one was running."""
        asked = self.trace
        if self.pending is not None:
            asked = (*asked, Step(self.pending[0], Returned(None), self.pending[1]))
        call = call_shown(asked) if self.pending else ""
        named = incident or incident_of(reason)
        raise Stopped(reason, call, incident=named, detail=detail) from None

    def reset(self) -> None:
        """Forget the objects and the trace of the last example."""
        self._steps = []
        if self.log is not None:
            self.log.mark()
        if self._keeps_objects:
            self._keeps_objects = False
            self._reset()

    def _read(self) -> Outcome:
        if self.log is None:
            raise LookupError("This lab has no Tinker service: lab.yml says so with `service:`.")
        return Returned(self.log.evidence())

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


def is_refusal(raised: Raised) -> bool:
    """Whether this is what the jail's denials look like from inside."""
    return _REFUSAL in raised.mro


def undefined_name(op: Asked, raised: Raised) -> str | None:
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
    def limits(self) -> Limits: ...
    @property
    def cpu_seconds(self) -> float: ...
    @property
    def stdout(self) -> str: ...
    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]: ...
    def execute(self, op: Op) -> Outcome: ...
    def reset(self) -> None: ...
    def close(self) -> Usage: ...


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
            self._tell(death)

    def _execute(self, op: Op) -> Outcome:
        try:
            return self._jail.execute(op)
        except self._died as death:
            self._tell(death)

    def _reset(self) -> None:
        try:
            self._jail.reset()
        except self._died as death:
            self._tell(death)

    def close(self) -> str:
        """End the fork."""
        printed = self._jail.stdout
        self.usage = self._jail.close()
        return printed

    def _tell(self, death: Exception) -> NoReturn:
        """Stop for the reason that the sandbox gives."""
        reason = str(getattr(death, "reason", "killed"))
        waited = reason == "timeout" and self._jail.cpu_seconds < self._jail.limits.cpu_seconds
        incident = incident_of(reason, waited=waited)
        self.stop(reason, incident=incident, detail=str(getattr(death, "detail", "")))


class SpentSubject(Subject):
    """Stands where a process would be when the whole hand-in has used up its time."""

    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        return ()

    def _execute(self, op: Op) -> Outcome:
        self.pending = None  # the question was never put: no call is to blame
        self.stop("timeout", incident="submission limit")

    def _reset(self) -> None:
        pass
