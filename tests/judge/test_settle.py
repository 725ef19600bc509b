"""What a first look found becomes a verdict; asking once more wins nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.judge.examiner import Prepared, prepare
from autograder.judge.firstlook import Doubt, Look
from autograder.judge.observed import Observed, Used
from autograder.judge.settle import settle
from autograder.judge.verdict import Verdict

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
ALL = ["scale", "counter", "ratio"]
CORE = Doubt("test_scale_CANARY_7f3a", "scale([1.0], 2)", "aa")
EDGE = Doubt("test_zero_mean", "scale([1.0, -1.0], 2)", "aa")


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    found = prepare({"lab_dir": str(LAB), "seed": "test"}, None)
    assert isinstance(found, Prepared)
    return found


def settled(prepared: Prepared, *looks: Look) -> tuple[Verdict, Observed, list[str]]:
    """What comes of `looks` when all that is judged alone is right; and what was judged alone."""
    given, judged = iter(looks), list[str]()

    def alone(exercises: Sequence[str]) -> tuple[Verdict, Observed]:
        judged.extend(exercises)
        all_right, seen = prepared.known.verdict, prepared.known.observed
        right = tuple(e for e in all_right.exercises if e.exercise in exercises)
        cases = tuple(c for c in seen.cases if c.exercise in exercises)
        used = {name: Used(cpu_seconds=1.0) for name in exercises}
        found = all_right.model_copy(update={"exercises": right, "level": "A"})
        return found, Observed(cases=cases, used=used)

    verdict, observed = settle(ALL, prepared.known, lambda: next(given), alone)
    return verdict, observed, judged


def test_what_is_right_is_judged_no_more(prepared: Prepared) -> None:
    used = {"scale": Used(cpu_seconds=0.5)}
    verdict, observed, judged = settled(prepared, Look("A", right=ALL, used=used))
    assert judged == []
    assert verdict.exercises == prepared.known.verdict.exercises
    assert observed.cases == prepared.known.observed.cases
    assert observed.used == used


def test_what_is_not_right_is_judged_alone_and_costs_both(prepared: Prepared) -> None:
    seen = Look("A", right=["scale", "ratio"], used={"counter": Used(cpu_seconds=0.5)})
    verdict, observed, judged = settled(prepared, seen)
    assert judged == ["counter"]
    assert [e.exercise for e in verdict.exercises] == ALL
    assert observed.used["counter"].cpu_seconds == 1.5
    assert [c.name for c in observed.cases] == [c.name for c in prepared.known.observed.cases]


def test_an_exercise_spoilt_by_another_one_is_right(prepared: Prepared) -> None:
    seen = [Look("A", right=["counter", "ratio"], wrong={"scale": CORE}) for _ in range(2)]
    verdict, _, judged = settled(prepared, *seen)
    assert judged == ["scale"]
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize("again", [{}, {"scale": Doubt(CORE.case, CORE.call, "bb")}])
def test_code_that_answers_otherwise_gets_no_second_chance(
    prepared: Prepared, again: dict[str, Doubt]
) -> None:
    first = Look("A", right=["counter", "ratio"], wrong={"scale": CORE})
    verdict, observed, _ = settled(prepared, first, Look("A", wrong=again))
    scale = verdict.exercises[0]
    assert (scale.status, scale.points, scale.incidents) == ("failed", 0, ("changed answer",))
    assert scale.counterexample is not None
    assert scale.counterexample.call == CORE.call
    assert [c.outcome for c in observed.cases[:2]] == ["failed", "passed"]


def test_a_changed_answer_in_an_edge_case_costs_that_case(prepared: Prepared) -> None:
    first = Look("A", right=["counter", "ratio"], wrong={"scale": EDGE})
    scale = settled(prepared, first, Look("A", right=ALL))[0].exercises[0]
    assert (scale.status, scale.points, scale.cases_passed) == ("failed", 2, 1)
