"""The objects a case talks to code through: `student`, `reference` and what they return.

`Actor` (the two fixtures) and `Remote` (an object that stayed behind) turn attribute access and
calls into operations on a `Subject`.
"""

from __future__ import annotations

import ast
from functools import lru_cache, partial
from typing import Any

from autograder.judge.subject import StudentError, Subject
from autograder.judge.text import LONG, plain
from autograder.judge.trace import Say, Trace, call_shown, object_name
from autograder.judge.values import call_text, map_leaves
from autograder.sandbox.ops import Call, Get, Handle, Op, Raised, Snippet


class Remote:
    """An object that stayed with the code that made it: `.attribute`, `.method(...)`, `(...)`."""

    def __init__(self, subject: Subject, handle: Handle, text: str) -> None:
        self._subject = subject
        self._handle = handle
        self._text = text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{name}: only public names are asked for; use run() for others")
        text = f"{self._text}.{name}"
        return settle(self._subject, Get(self._handle, name), lambda: text)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object where it is."""
        op = Call(self._handle, _sent(args), _sent(kwargs))
        return settle(self._subject, op, partial(call_text, self._text, args, kwargs))

    def __repr__(self) -> str:
        return self._text


class Actor:
    """The fixture `student` or `reference`: its attributes are the names the code defines."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._subject: Subject | None = None

    def _on_stage(self) -> Subject:
        if self._subject is None:
            raise LookupError(
                f"The fixture {self._role!r} has no code behind it here. "
                "Public checks have no reference: compare with literal values."
            )
        return self._subject

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # hypothesis and pytest look for hooks such as _repr_pretty_
            raise AttributeError(f"{name}: only public names are asked for; use run() for others")

        def call(*args: Any, **kwargs: Any) -> Any:
            op = Call(name, _sent(args), _sent(kwargs))
            return settle(self._on_stage(), op, partial(call_text, name, args, kwargs))

        return call

    def run(self, code: str, *, shown: str, **inputs: Any) -> Any:
        """Run the judge's own lines next to the code; the variable `result` comes back.

        A student's code can read these lines if it means to: no expected answer stands in them.
        `shown` is what a student reads in their place: the same thing as they would write it.
        """
        op = Snippet(_bare(code), _sent(inputs))
        return settle(self._on_stage(), op, partial(plain, shown, LONG))


@lru_cache(maxsize=256)
def _bare(code: str) -> str:
    """`code` without its comments: it runs beside a student's code, which can read it there."""
    try:
        return ast.unparse(ast.parse(code))
    except SyntaxError:  # the case is broken, and running it says so
        return code


def trace_of(actor: Actor) -> Trace:
    """What the running example asked of `actor` so far."""
    return actor._on_stage().trace  # pyright: ignore[reportPrivateUsage]


def settle(subject: Subject, op: Op, say: Say) -> Any:
    """The value of `op`, with objects that stayed behind as `Remote`.

    Raises:
        StudentError: the code raised.
    """
    outcome = subject.ask(op, say)
    if isinstance(outcome, Raised):
        raise StudentError(outcome, call_shown(subject.trace))

    def received(leaf: Any) -> Any:
        if not isinstance(leaf, Handle):
            return leaf
        return Remote(subject, leaf, say() if isinstance(op, Get) else object_name(leaf))

    return map_leaves(outcome.value, received)


def _sent(values: Any) -> Any:
    """Arguments as they go over: a `Remote` becomes its handle."""

    def unwrapped(leaf: Any) -> Any:
        return object.__getattribute__(leaf, "_handle") if type(leaf) is Remote else leaf

    return map_leaves(values, unwrapped)
