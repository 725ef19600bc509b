"""What a first look found becomes a verdict; asking once more wins nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autograder.judge.examiner import Prepared, prepare
from autograder.judge.firstlook import Doubt, Look
from autograder.judge.observed import Observed, Used
from autograder.judge.settle import ROUNDS, settle
from autograder.judge.verdict import Verdict

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
ALL = ["scale", "counter", "ratio"]
CORE = Doubt("test_scale_CANARY_7f3a", "scale([1.0], 2)", "aa")
EDGE = Doubt("test_zero_mean", "scale([1.0, -1.0], 2)", "aa")
SPOILT = Look("A", right=["counter", "ratio"], wrong={"scale": CORE})


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    found = prepare({"lab_dir": str(LAB), "seed": "test"}, None)
    assert isinstance(found, Prepared)
    return found


def settled(
    prepared: Prepared, *looks: Look, wrong_at: int = 0
) -> tuple[Verdict, Observed, list[str]]:
    """What comes of `looks`; and what was judged alone: all of it right, or wrong one time."""
    given, judged = iter(looks), list[str]()

    def alone(exercises: Sequence[str]) -> tuple[Verdict, Observed]:
        judged.extend(exercises)
        all_right, seen = prepared.known.verdict, prepared.known.observed
        right = tuple(e for e in all_right.exercises if e.exercise in exercises)
        if len(judged) == wrong_at:
            right = tuple(e.model_copy(update={"status": "failed"}) for e in right)
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
    seen = [SPOILT] * (1 + ROUNDS)
    verdict, _, judged = settled(prepared, *seen)
    assert judged == ["scale"] * (1 + ROUNDS)
    assert verdict.points == verdict.max_points


def test_who_throws_a_coin_must_win_every_time(prepared: Prepared) -> None:
    seen = [SPOILT] * (1 + ROUNDS)
    for lost in range(2, 2 + ROUNDS):
        verdict, _, _ = settled(prepared, *seen, wrong_at=lost)
        assert verdict.exercises[0].incidents == ("changed answer",)
    last = settled(prepared, *seen[:-1], Look("A", right=ALL))[0]
    assert last.exercises[0].incidents == ("changed answer",)


def test_what_is_not_written_is_judged_no_more(prepared: Prepared) -> None:
    seen = Look("A", right=["scale", "ratio"], unwritten=["counter"])
    verdict, observed, judged = settled(prepared, seen)
    counter = verdict.exercises[1]
    assert judged == []
    assert (counter.status, counter.points, counter.cases_passed) == ("not attempted", 0, 0)
    outcomes = {c.name: c.outcome for c in observed.cases}
    assert outcomes["test_counter"] == "not attempted"
    assert set(outcomes.values()) == {"passed", "not attempted"}


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
