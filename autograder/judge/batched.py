"""Jailed code that is asked many questions at once, as a first look does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.judge.subject import JailSubject

if TYPE_CHECKING:
    from autograder.sandbox.ops import Outcome
    from autograder.sandbox.remote import Jail


class BatchedSubject(JailSubject):
    """Untrusted code in a jailed fork that also answers many operations in one message."""

    def __init__(self, jail: Jail, died: type[Exception], *, stub: str | None = None) -> None:
        super().__init__(jail, died, stub=stub)
        self._inside = jail

    def ask_all(self, question: bytes) -> tuple[bytes, ...]:
        """Outcomes of what `sandbox.worker.many` made, as they came; kept in no trace.

        Raises:
            Stopped: the code ran out of time or died.
        """
        try:
            return self._inside.execute_all(question)
        except self._died as death:
            self._tell(death)

    def start_anew(self, stub: str, *, stopped_at_stub: bool) -> None:
        """Give the code the random numbers that a process has which has just loaded its cells.

        What comes is about the exercise of `stub`; `stopped_at_stub`: its cell raised that.

        Raises:
            Stopped: the code ran out of time or died.
        """
        self.stub, self._unwritten, self.refused = stub, stopped_at_stub, False
        self._steps = []
        try:
            self._inside.start_anew()
        except self._died as death:
            self._tell(death)

    def bounded(self, outcome: Outcome) -> Outcome:
        """One of these outcomes, decoded, as `ask` would give it.

        Raises:
            Stopped: it is none.
        """
        try:
            return self._inside.outcome(outcome)
        except self._died as death:
            self._tell(death)

    @property
    def printed(self) -> str:
        """What the code has printed so far."""
        return self._inside.stdout

    @property
    def cpu_seconds(self) -> float:
        """CPU time used so far."""
        return self._inside.cpu_seconds
