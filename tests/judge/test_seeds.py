"""Hidden inputs are the course's own: what one course has shown is of no use in another."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course_init import init_course
from autograder.judge.examiner import Prepared, prepare

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
GENERATED = ("test_scale_CANARY_7f3a", "test_counter", "test_ratio")


def inputs(seed: str) -> dict[str, list[str]]:
    """What the generated cases of a course with this seed ask, in their order."""
    prepared = prepare({"lab_dir": str(LAB), "seed": seed}, None)
    assert isinstance(prepared, Prepared)
    return {
        case: [repr(example.inputs) for example in prepared.rehearsal[case]] for case in GENERATED
    }


@pytest.fixture(scope="module")
def one() -> dict[str, list[str]]:
    return inputs("one course")


def test_another_seed_asks_other_inputs(one: dict[str, list[str]]) -> None:
    other = inputs("another course")
    for case in ("test_scale_CANARY_7f3a", "test_counter"):
        common = set(one[case]) & set(other[case])
        assert len(common) <= len(set(one[case])) // 4, case  # the few smallest inputs there are
    assert one["test_ratio"] != other["test_ratio"]  # of 19 * 9 inputs many are asked in both


def test_the_same_seed_asks_the_same_inputs(one: dict[str, list[str]]) -> None:
    assert inputs("one course") == one


def test_a_course_gets_a_seed_of_its_own_that_nobody_can_guess(tmp_path: Path) -> None:
    seeds = {
        init_course(tmp_path / name, labs=[LAB.name], solutions=LAB.parent).data.seed
        for name in ("a", "b")
    }
    assert len(seeds) == 2
    assert {len(seed) for seed in seeds} == {32}  # 128 bits in hexadecimal
