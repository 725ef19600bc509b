"""A mistake answers from memory what it would answer itself, in whatever order it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import remembered
from autograder.judge.places import local_subject
from autograder.judge.remembered import Answers, Memory, learn
from autograder.judge.subject import LocalSubject
from autograder.sandbox.ops import Call, Handle, Method, Op, Outcome, Returned, SourceCell

CODE = """
class Box:
    def __init__(self):
        self.seen = []
    def add(self, number):
        self.seen.append(number)
        return list(self.seen)
def twice(number):
    if number > 2:
        raise ValueError("too large")
    return {"result": (2 * number, 0.1 * number)}
"""
Script = Sequence[tuple[str, int]]
NUMBERS = st.integers(0, 3)
SCRIPTS = st.lists(
    st.lists(st.tuples(st.sampled_from(["twice", "Box", "add"]), NUMBERS), max_size=5), max_size=8
)


def start() -> LocalSubject:
    return local_subject((SourceCell("box", "solution", CODE),))


def play(ask: Callable[[Op], Outcome], script: Script) -> list[Any]:
    """What is answered; an object is known by its class. Numbers are added to the last box."""
    box: Handle | None = None
    said: list[Any] = []
    for word, number in script:
        if word == "add" and box is None:
            continue
        operations = {"twice": Call("twice", (number,)), "Box": Call("Box")}
        outcome = ask(
            operations[word] if word != "add" else Method(box or Handle(0), word, (number,))
        )
        if isinstance(outcome, Returned) and isinstance(outcome.value, Handle):
            box = outcome.value
            said.append(box.type_name)
        else:
            said.append(outcome)
    return said


@given(scripts=SCRIPTS, again=st.booleans())
def test_from_memory_or_not_the_answers_are_the_same(scripts: list[Script], again: bool) -> None:
    itself, memory = start(), Memory()
    answers = Answers("box", start, memory)
    for script in [*scripts, *scripts]:
        expected = play(lambda op: itself.ask(op, str), script)
        itself.reset()
        assert play(answers.ask, script) == expected
        answers.start_anew()
        if again:  # as in the judge of the next hand-in
            answers = Answers("box", start, memory)


def test_what_is_known_needs_no_code_and_is_known_of_this_mistake_only() -> None:
    def never() -> LocalSubject:
        raise AssertionError("its code was needed")

    memory = Memory()
    script = [("twice", 1), ("twice", 3)]
    expected = play(Answers("one", start, memory).ask, script)
    assert play(Answers("one", never, memory).ask, script) == expected
    for name, other in (("two", script), ("one", script[1:]), ("one", [*script, ("twice", 0)])):
        with pytest.raises(AssertionError, match="was needed"):
            play(Answers(name, never, memory).ask, other)


def test_without_a_memory_its_code_is_asked() -> None:
    assert play(Answers("one", start).ask, [("twice", 1)]) == [Returned({"result": (2, 0.1)})]


def test_a_full_memory_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "KEPT_CHARACTERS", 10)
    memory: Memory = {"a": "12345"}
    learn(memory, {"a": "other", "b": "123456", "c": "1234", "d": "12"})
    assert memory == {"a": "12345", "c": "1234"}
