"""What the author of a lab's `judge.py` or `checks.py` writes cases with.

    @exercise("merge", points=2)
    @given(w=matrices(), r=st.integers(1, 4))
    def test_merge(student, reference, w, r):
        agree(student, reference, lambda s: s.merge(w, r), Tolerance(1e-5, 1e-7, "float32, 8 adds"))

Every comparison happens here, in the judge's process; the student's code only returns data.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from autograder.judge.actor import Actor, trace_of
from autograder.judge.compare import EXACT, Rules, Tolerance, first_difference, shown_pair
from autograder.judge.subject import StudentError
from autograder.judge.text import SHORT, plain
from autograder.judge.trace import object_for_data
from autograder.judge.values import preview
from autograder.sandbox.ops import Raised

__all__ = [
    "EXACT",
    "Mismatch",
    "StudentError",
    "Tolerance",
    "agree",
    "exercise",
    "expect",
    "refuses",
    "require",
]

Action = Callable[[Any], Any]

RULES_SEEN: ContextVar[list[Rules]] = ContextVar("RULES_SEEN")
"""The rules that the running case compares with; the diagnosis compares with the same."""
ASKS_ONLY: ContextVar[bool] = ContextVar("ASKS_ONLY", default=False)
"""Whether answers are asked for and not compared: the rehearsal gives answers that mean nothing."""


class Mismatch(Exception):
    """The student's answer is not the expected one. `call` None means the last call made."""

    def __init__(
        self,
        expected: str,
        got: str,
        *,
        where: str | None = None,
        call: str | None = None,
    ) -> None:
        super().__init__(f"expected {expected}, got {got}" + (f" ({where})" if where else ""))
        self.expected = expected
        self.got = got
        self.where = where
        self.call = call


def exercise(
    name: str, points: float = 1, *, core: bool = True, examples: int = 50
) -> pytest.MarkDecorator:
    """Mark a case as judging exercise `name`, worth `points`, on `examples` generated inputs.

    Points of a case with `core=False` (an edge case) count only when every core case passed.
    """
    return pytest.mark.exercise(name, points=points, core=core, examples=examples)


def agree(
    student: Actor,
    reference: Actor,
    action: Action,
    tolerance: Tolerance = EXACT,
    *,
    dtypes: tuple[str, ...] | None = None,
    ordered: bool = False,
    call: str | None = None,
) -> None:
    """`action` gives the same on both sides; where the reference raises, the student must too.

    `dtypes` are the dtypes the student's arrays may have; None means any. `ordered`: the order of
    a dict's keys matters. `call` replaces the shown text of the last call.

    Raises:
        Mismatch: the answers differ.
        StudentError: the student's code raised and the reference did not.
    """
    if ASKS_ONLY.get():
        _ = _attempt(action, reference), action(student)
        return
    rules = Rules(tolerance, dtypes, ordered)
    expected = _attempt(action, reference)
    try:
        got = action(student)
    except StudentError as error:
        if not isinstance(expected, Raised):
            error.expected = preview(expected)
            raise
        if expected.type_name in error.raised.mro:
            return
        got = error.raised
    if isinstance(expected, Raised):
        raise Mismatch(f"raises {expected.type_name}", _shown(got), call=call)
    pair = object_for_data(trace_of(student), trace_of(reference))
    if pair is not None:
        texts = [_shown(getattr(step.outcome, "value", step.outcome)) for step in pair]
        raise Mismatch(texts[1], texts[0], call=call)
    _compare(expected, got, rules, call)


def expect(
    got: Any,
    expected: Any,
    tolerance: Tolerance = EXACT,
    *,
    dtypes: tuple[str, ...] | None = None,
    ordered: bool = False,
    call: str | None = None,
) -> None:
    """`got`, what the student's code returned, is `expected`, a literal value.

    Raises:
        Mismatch: it is not.
    """
    _compare(expected, got, Rules(tolerance, dtypes, ordered), call)


def refuses(student: Actor, action: Action, kind: type[Exception] | str = ValueError) -> None:
    """`action` raises an exception of class `kind` (or of a subclass) in the student's code.

    Raises:
        Mismatch: it returns, or raises something else.
    """
    name = kind if isinstance(kind, str) else kind.__name__
    got = _attempt(action, student)
    if not (isinstance(got, Raised) and name in got.mro):
        raise Mismatch(f"raises {name}", _shown(got))


def require(
    condition: object, *, expected: str, got: Any = None, why: str = "", call: str | None = None
) -> None:
    """A property that needs no reference: `condition` holds, else `expected` says what should.

    Raises:
        Mismatch: it does not hold.
    """
    if not condition:
        raise Mismatch(plain(expected, 2 * SHORT), _shown(got), where=why or None, call=call)


def _attempt(action: Action, actor: Actor) -> Any:
    try:
        return action(actor)
    except StudentError as error:
        return error.raised


def _shown(got: Any) -> str:
    if isinstance(got, Raised):
        return plain(f"raised {got.type_name}: {got.message}", 2 * SHORT)
    return preview(got)


def _compare(expected: Any, got: Any, rules: Rules, call: str | None) -> None:
    seen = RULES_SEEN.get([])
    if rules not in seen[-1:]:
        seen.append(rules)
    where = first_difference(expected, got, rules)
    if where is None:
        return
    shown = shown_pair(expected, got, rules)
    # For two plain numbers the place says nothing that expected and got do not say.
    told = None if where == "expected {}, got {}".format(*shown) else where
    raise Mismatch(*shown, where=told, call=call)
