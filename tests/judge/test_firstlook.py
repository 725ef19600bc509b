"""A first look finds what is right, and leaves everything else to a full run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.judge import agree, require
from autograder.judge.actor import Actor
from autograder.judge.batched import BatchedSubject
from autograder.judge.examiner import Prepared, prepare
from autograder.judge.firstlook import Look
from autograder.judge.places import local_subject
from autograder.judge.questions import Question, questions
from autograder.judge.rehearsal import Example, Prompter, Scene, Stage
from autograder.lab import Limits, load_spec
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox import wire, worker
from autograder.sandbox.limits import Usage
from autograder.sandbox.ops import Call, CellReport, Op, Outcome, Returned, SourceCell

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
SPEC = load_spec(LAB)
ALL = ["scale", "counter", "ratio"]


class Died(Exception):
    reason = "killed"


class Here:
    """A jail's desk without the walls, in this process: for the lab's own code only."""

    level = "A"
    stdout = ""
    cpu_seconds = 0.0

    def __init__(self) -> None:
        self.desk = worker.Desk()
        self.asked = self.played = 0

    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        return wire.decode(self.desk.answer("load", tuple(cells)))

    def execute_all(self, question: bytes) -> tuple[bytes, ...]:
        self.asked += 1
        return wire.decode(self.desk.answer(*wire.decode(question)))

    def execute(self, op: Op) -> Outcome:
        self.played += 1
        return wire.decode(self.desk.answer("execute", wire.decode(wire.encode(op))))

    def outcome(self, answer: Any) -> Outcome:
        return answer

    def reset(self) -> None:
        self.desk.answer("reset", None)

    def start_anew(self) -> None:
        self.desk.answer("anew", None)

    def close(self) -> Usage:
        return Usage()


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    found = prepare({"lab_dir": str(LAB), "seed": "test"}, None)
    assert isinstance(found, Prepared)
    return found


def look(prepared: Prepared, cells: Sequence[SourceCell], jail: Any = None) -> Look:
    subject = BatchedSubject(jail or Here(), Died)
    return prepared.known.looker.look(cells, ALL, lambda exercise, limits: subject)


def with_answer(exercise: str, source: str) -> tuple[SourceCell, ...]:
    return replace_cell(reference_cells(LAB), exercise, source)


def test_the_reference_is_right_and_asked_once_a_case_of_single_calls(prepared: Prepared) -> None:
    jail = Here()
    assert look(prepared, reference_cells(LAB), jail).right == ALL
    assert jail.asked == 4
    assert jail.played > 100  # every call of every example of the counter


def test_right_answers_written_differently_are_right(prepared: Prepared) -> None:
    paths = sorted((LAB / "alternatives").glob("*.py"))
    assert paths
    for path in paths:
        cells = with_answer(path.stem.split("__")[0], source_of(path)[1])
        assert look(prepared, cells).right == ALL, path.name


def test_a_mistake_leaves_its_exercise_and_no_other_to_a_full_run(prepared: Prepared) -> None:
    paths = sorted((LAB / "mistakes").glob("*.py"))
    assert paths
    for path in paths:
        exercise = path.stem.split("__")[0]
        found = look(prepared, with_answer(exercise, source_of(path)[1])).right
        assert found == [name for name in ALL if name != exercise], path.name


def test_what_ends_the_process_leaves_itself_and_what_follows(prepared: Prepared) -> None:
    class Dies(Here):
        def execute(self, op: Op) -> Outcome:
            raise Died

    found = look(prepared, reference_cells(LAB), Dies())
    assert (found.right, found.wrong) == (["scale"], {})


@pytest.mark.parametrize("spoil", [lambda got: got[:-1], lambda got: (*got, got[-1])])
def test_too_few_or_too_many_answers_are_not_right(prepared: Prepared, spoil: Any) -> None:
    class Spoils(Here):
        def execute_all(self, question: bytes) -> tuple[bytes, ...]:
            return spoil(super().execute_all(question))

    assert look(prepared, reference_cells(LAB), Spoils()).right == ["counter"]


def test_an_answer_that_cannot_be_read_is_not_right(prepared: Prepared) -> None:
    class Garbles(Here):
        def execute_all(self, question: bytes) -> tuple[bytes, ...]:
            return (b"\xff", *super().execute_all(question)[1:])

    assert look(prepared, reference_cells(LAB), Garbles()).right == ["counter"]


def test_a_case_without_kept_examples_leaves_its_exercise_to_a_full_run() -> None:
    asked = Call("double", (2,)), Returned(4)
    kept = Example({}, (), ((wire.encode(asked[0]), wire.encode(asked[1])),))

    def nothing(**_: object) -> None:
        """A case that looks at nothing."""

    scenes = [
        Scene("double", "test_double", nothing, (kept,)),
        Scene("double", "test_nothing", nothing, ()),
        Scene("half", "test_half", nothing, (kept,)),
    ]
    assert list(questions(scenes)) == ["half"]


def test_what_is_asked_after_an_answer_is_not_sent_before_it() -> None:
    step = wire.encode(Call("double", (2,))), wire.encode(Returned(4))
    scenes = [Scene("double", "test_twice", lambda: None, (Example({}, (), (step, step)),))]
    assert [question.encoded for question in questions(scenes)["double"]] == [None]


def played(test: Callable[..., None], inputs: dict[str, Any]) -> Question:
    """What a case of code that doubles asks, after one example at a rehearsal."""
    cells = (SourceCell("double", "solution", "def double(x):\n    return 2 * x\n"),)
    sides = {"student": local_subject(cells), "reference": Prompter(local_subject(cells))}
    stage = Stage(sides["reference"])
    sides["student"] = stage.recording(lambda *_: sides["student"])(SPEC.exercises[0], Limits())
    actors = {name: Actor(name) for name in sides}
    for name, subject in sides.items():
        actors[name]._subject = subject
    stage.recorded("test_it", test, exercise="double")(**actors, **inputs)
    (question,) = questions(stage.scenes())["double"]
    return question


def test_questions_that_no_answer_changes_are_asked_at_once() -> None:
    def case(student: Any, reference: Any, numbers: list[int]) -> None:
        for number in numbers:
            agree(student, reference, lambda s, n=number: s.double(n))

    question = played(case, {"numbers": [1, 2, 3]})
    assert question.encoded is not None
    _, groups = wire.decode(question.encoded)
    assert [[op.args for op in group] for group in groups] == [[(1,), (2,), (3,)]]


def test_questions_that_hold_an_answer_are_asked_one_by_one() -> None:
    def own(student: Any, reference: Any, number: int) -> None:
        agree(student, reference, lambda s: s.double(s.double(number)))

    def other(student: Any, reference: Any, number: int) -> None:
        agree(student, reference, lambda s, n=number: s.double(n))
        agree(student, reference, lambda s: s.double(reference.double(number)))

    def required(student: Any, reference: Any, number: int) -> None:
        require(student.double(number) > 0, expected="more than 0")
        student.double(number + 1)

    for case in (own, other, required):
        question = played(case, {"number": 3})
        assert len(question.scene.examples[0].own) == 2
        assert question.encoded is None


STUBS = {
    "scale": "def scale(v, t): raise NotImplementedError('lab90 scale: Scale a vector')",
    "counter": "class Counter:\n    raise NotImplementedError('lab90 counter: Count')",
}


@pytest.mark.parametrize("exercise", STUBS)
def test_an_exercise_that_is_not_written_needs_no_full_run(
    prepared: Prepared, exercise: str
) -> None:
    found = look(prepared, with_answer(exercise, STUBS[exercise]))
    assert (found.unwritten, found.wrong) == ([exercise], {})
    assert found.right == [name for name in ALL if name != exercise]


def test_a_stub_that_is_left_in_one_case_only_is_wrong(prepared: Prepared) -> None:
    source = (
        "def scale(v, t):\n"
        "    if v.mean() == 0:\n"
        "        return v\n"
        "    raise NotImplementedError('lab90 scale: Scale a vector')\n"
    )
    found = look(prepared, with_answer("scale", source))
    assert (found.unwritten, list(found.wrong)) == ([], ["scale"])


def test_every_exercise_starts_with_the_random_numbers_of_a_fresh_process() -> None:
    desk = worker.Desk()
    source = "import random\nimport numpy as np\ndef draw():\n    return random.random(), "
    cell = SourceCell("draw", "solution", source + "float(np.random.rand())\n")
    desk.answer("load", (cell,))
    twice = wire.decode(worker.many([[Call("draw")], [Call("draw")]]))
    first = wire.decode(desk.answer(*twice))
    assert first[0] != first[1]
    assert not set(first) & set(wire.decode(desk.answer(*twice)))
    desk.answer("anew", None)
    assert wire.decode(desk.answer(*twice)) == first


FAKED = """
import sys, types
sys.modules["numpy"] = types.ModuleType("nothing")
"""


def test_a_fake_module_in_place_of_numpy_costs_no_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", sys.modules["numpy"])  # put back at the end
    desk = worker.Desk()
    (report,) = wire.decode(desk.answer("load", (SourceCell("fake", "helper", FAKED),)))
    assert report.error is None
    desk.answer("anew", None)


def test_a_generator_that_cannot_be_read_costs_no_cell() -> None:
    def fails() -> None:
        raise ValueError("broken by the cell")

    desk = worker.Desk()
    desk.generators.append((fails, lambda _: None))
    (report,) = wire.decode(desk.answer("load", (SourceCell("fine", "helper", "x = 1"),)))
    assert report.error is None
    desk.answer("anew", None)


REFUSED = "def ratio(a, b):\n    if b == 0:\n        raise Refused\n    return a / b\n"


def test_an_answer_that_looks_refused_is_left_to_a_full_run(prepared: Prepared) -> None:
    # The case would accept it: the instructor is told all the same.
    source = "class Refused(PermissionError, ValueError): pass\n" + REFUSED
    found = look(prepared, with_answer("ratio", source))
    assert found.right == ["scale", "counter"]


def test_a_look_that_was_refused_while_loading_says_nothing(prepared: Prepared) -> None:
    cells = (*reference_cells(LAB), SourceCell("x", "helper", "raise PermissionError('no')"))
    found = look(prepared, cells)
    assert (found.right, found.wrong) == ([], {})
