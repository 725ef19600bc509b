"""Why a case failed, in the words a student reads. Built from exceptions, bounded, printable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from autograder.judge.api import Mismatch
from autograder.judge.incidents import Incident
from autograder.judge.subject import Stopped, StudentError, is_refusal
from autograder.judge.text import LONG, SHORT, plain
from autograder.judge.trace import Trace, call_shown
from autograder.judge.values import preview
from autograder.judge.verdict import RAISED, Counterexample
from autograder.sandbox.ops import Raised, Returned

Kind = Literal["failed", "error", "timeout", "died", "not attempted", "undefined", "not run"]

ERROR_LINES = 3
"""Lines of the student's own traceback that are shown: the innermost ones."""

SAME_EVERY_TIME = "the same answer every time"
CHANGED = "different answers for the same input"

_DEATHS = {
    "timeout": "used up its time",
    "memory": "used more memory than allowed",
    "output": "printed more than allowed",
    "killed": "ended its own process (exit, crash or a call that is not allowed)",
    "protocol": "sent something that is no answer",
}


@dataclass(frozen=True)
class Failure:
    """One failed case. `trace` is what led to it, for the diagnosis; `incident` what ended it."""

    kind: Kind
    counterexample: Counterexample | None = None
    error: str | None = None
    trace: Trace = ()
    incident: Incident | None = None

    def without_call(self) -> Failure:
        """The same, blaming no single call."""
        return replace(self, counterexample=None)


class JudgeFault(Exception):
    """The case itself is broken: it failed before it asked the student's code anything."""


def error_text(raised: Raised) -> str:
    """The exception and the student's own lines, one a line."""
    head = plain(f"{raised.type_name}: {raised.message}".rstrip(": "), 2 * SHORT)
    return "\n".join([head, *(plain(line, 2 * SHORT) for line in raised.lines[-ERROR_LINES:])])


def died_text(reason: str, doing: str, limit: str = "") -> str:
    """One sentence on how the student's process ended, and the limit that it hit if it did."""
    how = _DEATHS.get(reason, _DEATHS["killed"])
    return f"Your code {how} while {doing}{f' (limit: {limit})' if limit else ''}."


def explain(problem: Exception, trace: Trace) -> Failure:
    """The failure behind an exception that left a case.

    Raises:
        JudgeFault: the student's code was not asked anything yet.
    """
    if isinstance(problem, StudentError):
        got = plain(f"{RAISED}{problem.raised.type_name}: {problem.raised.message}", 2 * SHORT)
        example = Counterexample(call=problem.call, expected=problem.expected, got=got)
        # Denied by the jail, it would work in the student's notebook: that needs other advice.
        seen: Incident | None = "refused" if is_refusal(problem.raised) else None
        return Failure("error", example, error_text(problem.raised), trace, seen)
    if not trace:
        raise JudgeFault(f"{type(problem).__name__}: {problem}") from problem
    call = call_shown(trace)
    if isinstance(problem, Mismatch):
        call = plain(problem.call, LONG) if problem.call else call
        example = Counterexample(
            call=call, expected=problem.expected, got=problem.got, where=problem.where
        )
        return Failure("failed", example, None, trace)
    # The case tripped over the answer, for instance over None where it reads `.shape`.
    outcome = trace[-1].outcome
    got = preview(outcome.value) if isinstance(outcome, Returned) else f"raised {outcome.type_name}"
    asserted = isinstance(problem, AssertionError) and str(problem)
    expected = plain(str(problem), 2 * SHORT) if asserted else "what the docstring describes"
    return Failure("failed", Counterexample(call=call, expected=expected, got=got), None, trace)


def stopped_failure(stopped: Stopped, trace: Trace, limit: str = "") -> Failure:
    """The failure behind code that is not there to be asked; `limit` is the one that it hit."""
    reason, call = stopped.reason, stopped.call
    if reason == "not attempted":
        return Failure("not attempted", trace=trace)
    if reason == "undefined":
        return Failure("undefined", error=f"The notebook defines no {call}.", trace=trace)
    text = died_text(reason, "answering this call" if call else "being judged", limit)
    example = None
    if call:
        got = "no answer in time" if reason == "timeout" else "no answer"
        example = Counterexample(call=call, expected="an answer", got=got)
    kind: Kind = "timeout" if reason == "timeout" else "died"
    return Failure(kind, example, text, trace, stopped.incident)


def flaky_failure(first: Failure) -> Failure:
    """Different answers for the same input: no smallest input exists, so the first one is shown."""
    call = first.counterexample.call if first.counterexample else "the same call"
    example = Counterexample(call=call, expected=SAME_EVERY_TIME, got=CHANGED)
    return Failure("failed", example, None, first.trace, "changed answer")


def failure_text(failure: Failure) -> str:
    """One failed case in a few lines, for an instructor at a terminal."""
    lines: list[str] = [failure.kind]
    if failure.counterexample is not None:
        example = failure.counterexample
        lines += [
            f"  {example.call}",
            f"  expected  {example.expected}",
            f"  got       {example.got}",
        ]
        lines += [f"  where     {example.where}"] if example.where else []
    lines += [f"  {line}" for line in (failure.error or "").splitlines()]
    return "\n".join(lines)
