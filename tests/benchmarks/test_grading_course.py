"""What the grading benchmark compares: the rival's asserts, and a class of hand-ins."""

from __future__ import annotations

from typing import Any

import pytest
from classroom import hand_ins
from classroom.asserts import ASSERTS

from autograder.audit.material import Material


@pytest.fixture(scope="module")
def known() -> Material:
    return hand_ins.material()


def holds(cells: Any, exercise: str, namespace: dict[str, Any]) -> bool:
    for cell in cells:
        exec(cell.source, namespace)
    try:
        exec(ASSERTS["lora_parameter_count"].partition("shapes =")[0], namespace)  # `raises`
        exec(ASSERTS[exercise], namespace)
    except AssertionError:
        return False
    return True


def test_the_asserts_hold_for_the_reference(known: Material) -> None:
    # That of `apply_lora` imports PEFT, which takes seconds; the benchmark itself checks scores.
    for exercise in ASSERTS.keys() - {"apply_lora"}:
        assert holds(known.reference, exercise, {}), exercise


@pytest.mark.parametrize("exercise", sorted(ASSERTS.keys() - {"apply_lora"}))
def test_the_asserts_notice_most_mistakes(known: Material, exercise: str) -> None:
    mistakes = known.of(known.mistakes, exercise)
    noticed = [m.id for m in mistakes if not _survives(m.cells, exercise)]
    assert len(noticed) > len(mistakes) / 2, noticed


def _survives(cells: Any, exercise: str) -> bool:
    try:
        return holds(cells, exercise, {})
    except Exception:  # the mistake raises where it should answer: stock counts that as wrong
        return False


def test_no_two_students_hand_in_the_same(known: Material) -> None:
    made = [tuple(sorted(hand_ins.answers(known, n).items())) for n in range(30)]
    assert len(set(made)) == 30


def test_half_of_a_class_is_right_everywhere(known: Material) -> None:
    assert sum(hand_ins.is_right(n) for n in range(100)) == 50
    mistakes = {variant.code.rstrip() for variant in known.mistakes}
    for number in range(10):
        sources = hand_ins.answers(known, number).values()
        wrong = sum(source.rpartition("\n# s")[0] in mistakes for source in sources)
        assert wrong == hand_ins.WRONG[number]


def test_the_same_notebook_is_the_references_with_its_author(known: Material) -> None:
    one, other = (hand_ins.same(known, number) for number in (3, 4))
    assert one != other
    for name, source in one.items():
        assert source == f"{known.source(name).rstrip()}\n# s003"
