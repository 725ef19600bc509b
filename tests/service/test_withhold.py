"""A graded result is held back for the next request or a second; the log tells who waited."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.service.records import LogEntry
from shared.tinker.service.withhold import Withholding, steps


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rule(clock: Clock) -> Withholding:
    return Withholding(clock=clock)


def test_a_result_is_held_back_for_one_second_from_when_it_is_ready(
    rule: Withholding, clock: Clock
) -> None:
    rule.arrived("m", "fb", withhold=True)
    clock.now = 150.0
    assert rule.ready("fb") == 151.0
    clock.now = 150.99
    assert rule.overdue() == []
    clock.now = 151.0
    assert rule.overdue() == ["fb"]
    assert rule.overdue() == [] and len(rule) == 0


def test_the_next_request_of_the_model_frees_a_ready_result(rule: Withholding) -> None:
    rule.arrived("m", "fb", withhold=True)
    assert rule.ready("fb") is not None
    assert rule.arrived("m", "optim", withhold=False) == ["fb"]
    assert len(rule) == 0


def test_a_result_whose_follower_has_arrived_goes_at_once(rule: Withholding) -> None:
    rule.arrived("m", "fb", withhold=True)
    assert rule.arrived("m", "optim", withhold=False) == []
    assert rule.ready("fb") is None and len(rule) == 0


def test_a_request_of_another_model_frees_nothing(rule: Withholding) -> None:
    rule.arrived("m", "fb", withhold=True)
    rule.ready("fb")
    assert rule.arrived("other", "optim", withhold=False) == []
    assert len(rule) == 1


def test_the_same_request_again_is_not_its_own_follower(rule: Withholding) -> None:
    rule.arrived("m", "fb", withhold=True)
    rule.arrived("m", "fb", withhold=True)
    assert rule.ready("fb") is not None


def test_what_is_not_withheld_goes_at_once(rule: Withholding) -> None:
    rule.arrived("m", "optim", withhold=False)
    assert rule.ready("optim") is None


def test_asking_twice_does_not_start_the_second_anew(rule: Withholding, clock: Clock) -> None:
    rule.arrived("m", "fb", withhold=True)
    first = rule.ready("fb")
    clock.now += 0.5
    assert rule.ready("fb") == first


def test_a_dropped_request_is_forgotten(rule: Withholding) -> None:
    rule.arrived("m", "fb", withhold=True)
    rule.drop("fb")
    rule.drop("unknown")
    assert rule.ready("fb") is None and len(rule) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.booleans(), st.sampled_from(["ready", "wait"])),
        max_size=12,
    )
)
def test_every_result_is_released_exactly_once(events: list[tuple[str, bool, str]]) -> None:
    clock = Clock()
    rule = Withholding(clock=clock)
    released: list[str] = []
    for number, (model, withhold, then) in enumerate(events):
        released += rule.arrived(model, str(number), withhold=withhold)
        if then == "wait":
            clock.now += 1.5
            released += rule.overdue()
        if rule.ready(str(number)) is None:
            released.append(str(number))
    clock.now += 2
    released += rule.overdue()
    assert sorted(released, key=int) == [str(number) for number in range(len(events))]
    assert len(rule) == 0


def entry(order: int, kind: str, release: int | None, model: str = "m", **facts: object):
    return LogEntry(
        arrival_order=order,
        release_order=release,
        key_id="k",
        session_id="s",
        model_id=model,
        kind=kind,
        seq_id=order,
        arrived_at=0.0,
        released_at=None,
        facts=facts,
    )


def test_sending_ahead_is_told_from_waiting() -> None:
    ahead = [entry(1, "forward_backward", 3), entry(2, "optim_step", 4)]
    waiting = [entry(1, "forward_backward", 2), entry(3, "optim_step", 4)]
    assert [step.pipelined for step in steps(ahead)] == [True]
    assert [step.pipelined for step in steps(waiting)] == [False]


def test_a_result_that_was_never_released_was_not_waited_for() -> None:
    log = [entry(1, "forward_backward", None), entry(2, "optim_step", None)]
    assert [step.pipelined for step in steps(log)] == [True]


def test_of_accumulated_gradients_the_last_call_counts() -> None:
    log = [
        entry(1, "forward_backward", 2),
        entry(3, "forward_backward", 5),
        entry(4, "optim_step", 6),
    ]
    (step,) = steps(log)
    assert (step.forward_backward, step.optim_step, step.pipelined) == (3, 4, True)


def test_models_are_told_apart_and_the_order_given_does_not_matter() -> None:
    log = [
        entry(4, "optim_step", 8, "b"),
        entry(1, "forward_backward", 5, "a"),
        entry(2, "forward_backward", 3, "b"),
        entry(6, "optim_step", 7, "a"),
    ]
    assert [(step.model_id, step.pipelined) for step in steps(log)] == [("b", False), ("a", False)]


def test_failed_calls_forwards_and_steps_on_nothing_are_left_out() -> None:
    log = [
        entry(1, "optim_step", 2),
        entry(3, "forward", 4),
        entry(5, "forward_backward", 6, error="bad"),
        entry(7, "optim_step", 8),
    ]
    assert steps(log) == []
