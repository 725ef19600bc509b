"""What a case asked of a student's code and what came back, kept so that it can be asked again.

Handles are numbers of the process that made them. Replayed elsewhere, each is translated to the
object made by the same step there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from autograder.judge.compare import Rules, first_difference
from autograder.judge.text import LONG, plain
from autograder.judge.values import leaves, map_leaves, size
from autograder.sandbox.ops import Call, Get, Handle, Method, Op, Outcome, Raised, Returned, Snippet

Say = Callable[[], str]


@dataclass(frozen=True)
class ReadLog:
    """Ask the Tinker service what the code asked of it. The judge asks, never the code."""


Asked = Op | ReadLog


@dataclass(frozen=True)
class Step:
    """One operation and its outcome. `say` writes the call as a student would."""

    op: Asked
    outcome: Outcome
    say: Say

    @property
    def text(self) -> str:
        """The call as a student would write it. Written when shown: most calls never are."""
        return self.say()


Trace = tuple[Step, ...]


def object_name(handle: Handle) -> str:
    """The name an object gets in the text of a call: that of its class, as a variable."""
    return handle.type_name.lower() or "object"


def call_shown(trace: Trace) -> str:
    """What a student would write to see the last answer: the whole story where objects are used."""
    trace = tuple(step for step in trace if not isinstance(step.op, ReadLog))
    if not trace:
        return ""
    parts = [_statement(step) for step in trace if not _looks_up_method(step)]
    lives = [step for step in trace if _uses_handle(step)]
    told = parts if lives else [trace[-1].text]
    while len(told) > 3 and sum(map(len, told)) > LONG:
        told = [told[0], "...", *told[3 if told[1] == "..." else 2 :]]
    return plain("; ".join(told), LONG)


def _statement(step: Step) -> str:
    made = step.outcome.value if isinstance(step.outcome, Returned) else None
    if isinstance(made, Handle) and not isinstance(step.op, Get):
        return f"{object_name(made)} = {step.text}"
    return step.text


def _looks_up_method(step: Step) -> bool:
    made = step.outcome.value if isinstance(step.outcome, Returned) else None
    return isinstance(step.op, Get) and isinstance(made, Handle)


def _uses_handle(step: Step) -> bool:
    match step.op:
        case Call(target):
            return isinstance(target, Handle)
        case Method() | Get():
            return True
        case Snippet() | ReadLog():
            return False


def with_values(op: Asked, change: Callable[[Any], Any]) -> Asked:
    """`op` with `change` applied to every argument, input and handle in it."""
    match op:
        case Call(target, args, kwargs):
            target = change(target) if isinstance(target, Handle) else target
            return Call(target, map_leaves(args, change), map_leaves(kwargs, change))
        case Method(handle, name, args, kwargs):
            return Method(
                change(handle), name, map_leaves(args, change), map_leaves(kwargs, change)
            )
        case Get(handle, name):
            return Get(change(handle), name)
        case Snippet():
            return replace(op, inputs=map_leaves(op.inputs, change))
        case ReadLog():
            return op


def behaves_like(trace: Trace, execute: Callable[[Asked], Outcome], rules: Rules) -> bool:
    """Whether `execute` answers every step of `trace` as the student's code did."""
    handles: dict[int, Handle] = {}

    def translate(leaf: Any) -> Any:
        return handles.get(leaf.id, leaf) if isinstance(leaf, Handle) else leaf

    for step in trace:
        outcome = execute(with_values(step.op, translate))
        if not same_outcome(outcome, step.outcome, rules):
            return False
        if isinstance(outcome, Returned) and isinstance(step.outcome, Returned):
            _pair_handles(step.outcome.value, outcome.value, handles)
    return True


def same_outcome(one: Outcome, other: Outcome, rules: Rules) -> bool:
    """Equal values within `rules`, or exceptions of one class whatever their messages."""
    if isinstance(one, Raised) or isinstance(other, Raised):
        if isinstance(one, Returned) or isinstance(other, Returned):
            return False
        return one.type_name == other.type_name
    return first_difference(one.value, other.value, rules) is None


def weight(trace: Trace) -> int:
    """Bytes that the answers in `trace` take, about."""
    return sum(size(step.outcome.value) for step in trace if isinstance(step.outcome, Returned))


def object_for_data(theirs: Trace, ours: Trace) -> tuple[Step, Step] | None:
    """The first step whose answer holds an object of theirs where ours is data; None without.

    Such an object would answer each later question by the code that is judged: two questions about
    one matrix could be answered for two.
    """
    for their, our in zip(theirs, ours, strict=False):
        if type(their.op) is not type(our.op):
            return None
        if holds_object(their.outcome) and not holds_object(our.outcome):
            return their, our
    return None


def holds_object(outcome: Outcome) -> bool:
    """Whether a value that came back has an object of the other process in it."""
    value = outcome.value if isinstance(outcome, Returned) else None
    return any(type(leaf) is Handle for leaf in leaves(value))


def _pair_handles(theirs: Any, ours: Any, handles: dict[int, Handle]) -> None:
    """Note which of our objects stands for which of theirs, in values of the same shape."""
    if isinstance(theirs, Handle) and isinstance(ours, Handle):
        handles[theirs.id] = ours
    elif isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        for a, b in zip(theirs, ours, strict=False):
            _pair_handles(a, b, handles)
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        for key in theirs:
            _pair_handles(theirs[key], ours.get(key), handles)
