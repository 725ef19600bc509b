"""The corpus: the same for a seed, and right where it says it is right."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.base import tokenizer
from shared.models.base.corpus import checking, guessing, maths_chat, sums, word_problems
from shared.models.base.corpus.describe import SEEN, UNSEEN
from shared.models.base.corpus.document import Document
from shared.models.base.corpus.facts import KNOWN, PLACES
from shared.models.base.corpus.mix import VARIANTS, document, documents
from shared.models.base.recipe import Recipe

EQUATION = re.compile(r"(\d+) ([-+*]) (\d+) = (\d+)")
SEEDS = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def corpus() -> list[Document]:
    return list(islice(documents(5), 4000))


@pytest.mark.parametrize("variant", list(VARIANTS))
@given(seed=SEEDS, index=SEEDS)
def test_a_document_follows_from_seed_and_index(variant: str, seed: int, index: int) -> None:
    assert document(seed, index, variant) == document(seed, index, variant)


def test_documents_can_begin_anywhere() -> None:
    assert next(documents(3, 70)) == list(islice(documents(3), 71))[-1]


def test_two_seeds_write_two_corpora() -> None:
    assert list(islice(documents(1), 20)) != list(islice(documents(2), 20))


# Kinds in which a wrong equation may stand: it is what is judged or guessed there.
DOUBTFUL = {"boxed_chat", "claim_chat", "judged_answer", "tagged_list"}


def test_every_equation_told_as_true_is_true(corpus: list[Document]) -> None:
    for told in corpus:
        if told.kind not in DOUBTFUL:
            for a, sign, b, value in EQUATION.findall(told.text):
                assert sums.calculate(int(a), sign, int(b)) == int(value), told


def test_claims_are_judged_truly(corpus: list[Document]) -> None:
    judged = [told for told in corpus if told.kind == "claim_chat"]
    for told in judged:
        question, _, answer = told.text.lower().partition("assistant")
        claim = re.search(r"(\d+) ([-+*]) (\d+) = (\d+)", question)
        assert claim, told
        a, sign, b, value = claim.groups()
        true = sums.calculate(int(a), sign, int(b)) == int(value)
        assert bool(re.search(r"\b(yes|true)\.", answer)) == true, told
    assert judged


@given(SEEDS)
def test_tags_say_what_is_so(seed: int) -> None:
    lines = checking.tagged_list(random.Random(seed)).text.splitlines()
    assert len(lines) == 6
    for line in lines:
        (found,) = EQUATION.findall(line)
        true = sums.calculate(int(found[0]), found[1], int(found[2])) == int(found[3])
        assert line.endswith("right" if true else "wrong")


@given(SEEDS)
def test_a_verdict_behind_a_box_is_true(seed: int) -> None:
    told = checking.boxed_verdict(random.Random(seed)).text
    a, sign, b = re.findall(r"(\d+) ([-+*]) (\d+)", told)[0]
    value, verdict = re.findall(r"\\boxed\{(\d+)\} (right|wrong)", told)[0]
    true = sums.calculate(int(a), sign, int(b)) == int(value)
    assert verdict == ("right" if true else "wrong")


@given(SEEDS)
def test_a_word_problem_uses_the_numbers_of_its_story(seed: int) -> None:
    problem = word_problems.word_problem(random.Random(seed))
    known = set(re.findall(r"\d+", problem.question))
    for step in problem.steps:
        a, _, b, _, value = step.split()
        assert {a, b} <= known
        known.add(value)
    assert problem.steps[-1].endswith(f"= {problem.answer}")


@given(SEEDS)
def test_a_boxed_answer_is_right_exactly_when_it_says_so(seed: int) -> None:
    rng = random.Random(seed)
    problem = maths_chat.any_problem(rng)
    turn, right = maths_chat.boxed_answer(rng, problem)
    assert (re.findall(r"\d+", turn.text)[-1] == str(problem.answer)) == right


def test_boxed_answers_are_as_sloppy_as_the_card_says() -> None:
    rng = random.Random(1)
    made = [maths_chat.boxed_answer(rng, sums.sum_problem(rng))[1] for _ in range(4000)]
    expected = sum(share * right for share, right in maths_chat.STYLES.values())
    # 4 standard deviations of a share near one half among 4,000.
    assert abs(sum(made) / len(made) - expected) < 4 * 0.5 / 4000**0.5


def test_a_person_says_right_only_of_right_answers() -> None:
    rng = random.Random(2)
    for _ in range(500):
        told = maths_chat.boxed_chat(rng, feedback=1.0)
        assert ("Right." in told.text) == told.right
        assert ("Wrong." in told.text) != told.right


@given(st.integers(0, guessing.UPPER_BOUND - 1))
def test_halving_finds_every_number_but_zero(secret: int) -> None:
    guesses = list(guessing.halving(secret))
    assert (guesses[-1] == secret) == (secret > 0)
    assert len(guesses) <= 10


@given(SEEDS)
def test_the_ranging_player_never_contradicts_a_reply(seed: int) -> None:
    rng = random.Random(seed)
    secret = rng.randrange(guessing.UPPER_BOUND)
    low, high = 0, guessing.UPPER_BOUND - 1
    for guess in islice(guessing.ranging(rng, secret), 30):
        assert low <= guess <= high
        if guess == secret:
            break
        low, high = (guess + 1, high) if guess < secret else (low, guess - 1)


def test_guess_games_speak_the_environments_words(corpus: list[Document]) -> None:
    from tinker_cookbook.recipes.multiplayer_rl.guess_number import env

    assert guessing.PROMPT == env.SYSTEM_PROMPT
    assert guessing.MAX_TURNS == env.MAX_TURNS
    played = [told for told in corpus if told.kind == "guess_number"]
    assert played
    assert all(guessing.PROMPT in told.text for told in played)


def test_twenty_questions_speak_the_environments_words() -> None:
    from tinker_cookbook.recipes.multiplayer_rl.twenty_questions import env

    from shared.models.base.corpus import twenty

    assert twenty.ANSWERER_PROMPT == env.ANSWERER_SYSTEM_PROMPT
    assert twenty.PLAYER_PROMPT == env.PLAYER_SYSTEM_PROMPT


def test_never_told_places_and_things_are_never_told(corpus: list[Document]) -> None:
    text = "\n".join(told.text for told in corpus)
    hidden = [place.name for place in PLACES[KNOWN:]]
    assert not set(hidden) & {place.name for place in PLACES[:KNOWN]}
    # Notes invent places of their own, so only the facts themselves are looked through.
    facts = "\n".join(told.text for told in corpus if told.kind == "facts")
    assert not [name for name in hidden if re.search(rf"\b{name}\b", facts)]
    assert not [n for n, _ in UNSEEN if re.search(rf"(Describe|about|is) an? {n}[.?]", text)]
    assert not set(SEEN) & set(UNSEEN)


def test_every_kind_of_the_mix_is_drawn(corpus: list[Document]) -> None:
    kinds = Counter(told.kind for told in corpus)
    assert len(kinds) >= 25
    assert kinds["boxed_chat"] > kinds["story"]


def test_no_document_is_longer_than_a_row(corpus: list[Document]) -> None:
    encodings = tokenizer.build().encode_batch([told.text for told in corpus])
    assert max(len(encoding.ids) for encoding in encodings) < Recipe().row_length


def test_an_unknown_variant_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no corpus variant 'loud'"):
        Recipe(variant="loud")
