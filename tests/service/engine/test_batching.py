"""Micro-batches hold each sequence once, keep to the budget and pad little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.service.batching import START_COST, micro_batches

LENGTHS = st.lists(st.integers(1, 3000), max_size=60)


@given(LENGTHS, st.integers(1, 4096))
def test_each_sequence_is_in_one_group_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = micro_batches(lengths, budget=budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[i] for i in group) <= budget


@given(LENGTHS)
def test_no_step_of_a_group_pads_more_than_a_new_group_costs(lengths: list[int]) -> None:
    for group in micro_batches(lengths, budget=4096):
        sizes = [lengths[i] for i in group]
        assert sizes == sorted(sizes)
        for count in range(1, len(sizes)):
            assert count * (sizes[count] - sizes[count - 1]) <= START_COST


def test_equal_lengths_fill_the_budget() -> None:
    assert [len(g) for g in micro_batches([128] * 32, budget=2048)] == [16, 16]


def test_short_and_long_sequences_are_kept_apart() -> None:
    assert micro_batches([900, 5, 6, 1000], budget=4096) == [[1, 2], [0, 3]]
