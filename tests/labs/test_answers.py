"""Every lab's wrong and right answers, held against each other without the judge.

The judge's own exam is `labkit audit`; this test says that what the exam is made of is sound: right
answers agree with the reference, wrong ones differ from it and from one another, and both versions
of a mistake do the same.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from autograder.audit.mutate import normalised
from autograder.notebook import reference_cells, source_of

from . import lab01_answers, lab02_answers, lab05_answers
from .answers import KINDS, SOLUTIONS, Answers

SEEN_OFTEN = 3  # differing inputs of 80 or more: not one exotic input
LABS = (lab01_answers.ANSWERS, lab02_answers.ANSWERS, lab05_answers.ANSWERS)

every_lab = pytest.mark.parametrize("answers", LABS, ids=lambda answers: answers.name)
every_exercise = pytest.mark.parametrize(
    ("answers", "exercise"),
    [
        pytest.param(answers, exercise, id=f"{answers.name}-{exercise}")
        for answers in LABS
        for exercise in answers.observe
    ],
)


def test_every_lab_is_looked_at() -> None:
    assert {answers.name for answers in LABS} == {
        p.parent.name for p in SOLUTIONS.glob("*/lab.yml")
    }
    assert all(answers.inputs >= 80 for answers in LABS)


@every_exercise
def test_alternatives_agree_with_the_reference(answers: Answers, exercise: str) -> None:
    paths = answers.paths("alternatives", exercise)
    wrong = {path.stem: answers.differing(exercise, path, None) for path in paths}
    assert {name: numbers for name, numbers in wrong.items() if numbers} == {}


@every_exercise
def test_mistakes_differ_from_the_reference_and_agree_with_it_somewhere(
    answers: Answers, exercise: str
) -> None:
    paths = answers.paths("mistakes", exercise)
    counts = {path.stem: len(answers.differing(exercise, path, None)) for path in paths}
    assert {name: n for name, n in counts.items() if not SEEN_OFTEN <= n < answers.inputs} == {}


@every_exercise
def test_mistakes_differ_from_one_another(answers: Answers, exercise: str) -> None:
    alike = [
        (one.stem, other.stem)
        for one, other in combinations(answers.paths("mistakes", exercise), 2)
        if len(answers.differing(exercise, one, other)) < SEEN_OFTEN
    ]
    assert alike == []


@every_exercise
def test_second_versions_do_what_the_first_do_in_other_words(
    answers: Answers, exercise: str
) -> None:
    for path in answers.paths("mistakes", exercise):
        second = path.parent / "second" / path.name
        assert answers.differing(exercise, path, second) == [], path.stem
        assert normalised(source_of(path)[1]) != normalised(source_of(second)[1]), path.stem


@every_exercise
def test_there_are_enough_answers_and_no_two_are_the_same_program(
    answers: Answers, exercise: str
) -> None:
    alternatives = answers.paths("alternatives", exercise)
    assert len(answers.paths("mistakes", exercise)) >= 5
    assert len(alternatives) >= 3
    reference = next(cell.source for cell in reference_cells(answers.lab) if cell.id == exercise)
    programs = [reference, *(source_of(path)[1] for path in alternatives)]
    assert len({normalised(program) for program in programs}) == len(programs)


@every_lab
def test_every_file_belongs_to_an_exercise_and_every_mistake_has_a_second_version(
    answers: Answers,
) -> None:
    for kind in KINDS:
        exercises = {path.stem.partition("__")[0] for path in answers.paths(kind)}
        assert exercises == answers.observe.keys()
    firsts, seconds = ({path.name for path in answers.paths(kind)} for kind in KINDS[:2])
    assert firsts == seconds


@every_lab
@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_are_short_enough_to_be_read(answers: Answers, kind: str) -> None:
    for path in answers.paths(kind):
        sentence = source_of(path)[0]
        assert 20 <= len(sentence) <= 200, path.stem
        assert kind != "mistakes" or "you" in sentence.lower(), path.stem
