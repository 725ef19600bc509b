"""Stop strings are found in the text, not in the tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.service.stops import TextWatch, stop_ids, stop_strings
from tests.service.sampling_models import ByteTokenizer

TOKENIZER = ByteTokenizer()
tokens_lists = st.lists(st.integers(0, 95), max_size=60)
likely_stops = st.lists(
    st.sampled_from(["ab", "ba", "END", "aba", "€", "D\n", "NEND", "abab€"]), min_size=1, max_size=3
)


def first_hit(tokens, strings):
    """The number of tokens after which the decoded text contains a stop; None if never."""
    for count in range(1, len(tokens) + 1):
        if any(s in TOKENIZER.decode(tokens[:count]) for s in strings):
            return count
    return None


def watched_hit(tokens, strings):
    watch = TextWatch(TOKENIZER, strings)
    for count, token in enumerate(tokens, start=1):
        if watch.push(token):
            return count
    return None


@given(tokens_lists, st.lists(st.text("abEND\n€ ", min_size=1, max_size=6), min_size=1, max_size=3))
def test_a_stop_is_found_at_the_token_that_completes_it(tokens, strings):
    assert watched_hit(tokens, strings) == first_hit(tokens, strings)


@given(st.lists(st.integers(64, 73), max_size=40), likely_stops)
def test_stops_are_found_across_pieces_and_inside_split_characters(tokens, strings):
    assert watched_hit(tokens, strings) == first_hit(tokens, strings)


def test_a_character_of_three_tokens_is_found_when_it_is_whole():
    watch = TextWatch(TOKENIZER, ["€!"])
    e2, b82, ac, mark = 66, 67, 68, ord("!") - 32
    assert [watch.push(token) for token in (e2, b82, ac, mark)] == [False, False, False, True]


def test_none_is_the_end_of_text_and_an_empty_list_nothing():
    assert stop_ids(None, (1, 2)) == {1, 2} and stop_ids((), (1, 2)) == frozenset()
    assert stop_strings(None) == stop_strings(()) == ()


def test_own_stops_come_on_top_of_the_end_of_text():
    assert stop_ids((7, 8), (1,)) == {1, 7, 8} and stop_strings((7, 8)) == ()
    assert stop_ids(("x",), (1,)) == {1} and stop_strings(("x",)) == ("x",)
