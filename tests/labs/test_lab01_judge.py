"""Lab 1's own judge and public checks: what they let pass, what they catch, and how they say it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from autograder.judge.feedback import as_text
from autograder.judge.places import local_spawn
from autograder.judge.runner import PRELOAD, judge, run
from autograder.judge.session import Choice
from autograder.judge.verdict import Verdict
from autograder.lab import load_spec
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox.client import Zygote
from autograder.sandbox.ops import SourceCell
from shared.models.tokenizers import tiny_tokenizer

LAB = Path(__file__).resolve().parents[2] / "solutions" / "lab01_datum_renderers"
SPEC = load_spec(LAB)
REFERENCE = reference_cells(LAB)
Cells = tuple[SourceCell, ...]

# Mistakes whose feedback is looked at closely: one of each exercise.
SHOWN = {
    "shift_to_datum": "no_shift",
    "render_chatml": "end_untrained",
    "generation_prompt": "turn_closed",
    "render_role_colon": "no_closing_user",
    "truncate": "cuts_the_end",
    "describe_weights": "not_escaped",
}


@cache
def verdict(cells: Cells, *, file: str = "judge.py", exercise: str | None = None) -> Verdict:
    """The verdict in this process, without a jail."""
    chosen = None if exercise is None else (exercise,)
    choice = Choice(seed="test", exercises=chosen, scored=file == "judge.py")
    return run(cells, LAB, SPEC, local_spawn(SPEC), choice, file=file)[0]


def stub() -> Cells:
    """The reference with every body replaced by what a student starts from."""
    cells = REFERENCE
    for exercise in SPEC.exercises:
        stop = f"raise NotImplementedError({f'lab01 {exercise.name}: {exercise.title}'!r})"
        lines = [f"def {name}(*args, **kwargs): {stop}" for name in exercise.names]
        cells = replace_cell(cells, exercise.name, "\n".join(lines))
    return cells


def mistaken(exercise: str) -> tuple[str, Cells]:
    """The sentence of the mistake in `SHOWN`, and all cells with it."""
    sentence, code = source_of(LAB / "mistakes" / f"{exercise}__{SHOWN[exercise]}.py")
    return " ".join(sentence.split()), replace_cell(REFERENCE, exercise, code)


@pytest.mark.parametrize("file", ["judge.py", "checks.py"])
def test_the_reference_passes_every_case(file: str) -> None:
    assert [e for e in verdict(REFERENCE, file=file).exercises if e.status != "passed"] == []


@pytest.mark.parametrize("file", ["judge.py", "checks.py"])
def test_the_stub_passes_no_case(file: str) -> None:
    found = verdict(stub(), file=file)
    assert found.points == 0
    assert {e.status for e in found.exercises} == {"not attempted"}
    assert {e.cases_passed for e in found.exercises} == {0}


def test_every_exercise_has_three_public_cases() -> None:
    few = [e for e in verdict(REFERENCE, file="checks.py").exercises if e.cases_total < 3]
    assert few == []


@pytest.mark.parametrize("exercise", SHOWN)
def test_a_wrong_answer_is_caught_named_and_told_how(exercise: str) -> None:
    sentence, cells = mistaken(exercise)
    found = verdict(cells, exercise=exercise).exercises[0]
    assert found.status == "failed"
    assert found.points < found.max_points
    assert found.diagnosis == sentence
    assert found.counterexample is not None
    assert "tokenizer" in found.counterexample.call or "([" in found.counterexample.call
    assert 0 < len(found.counterexample.expected) < 200
    assert len(as_text(found).splitlines()) <= 12


def test_a_counterexample_can_be_read_without_knowing_token_ids() -> None:
    _, cells = mistaken("render_chatml")
    found = verdict(cells, exercise="render_chatml").exercises[0]
    assert found.counterexample is not None
    assert "<|im_end|>" in found.counterexample.expected
    assert "'content': 'Hi'" in found.counterexample.call


def test_a_renderer_that_knows_the_ids_by_heart_is_caught() -> None:
    """Ids differ between tokenizers: one case asks with another one."""
    source = next(cell.source for cell in REFERENCE if cell.id == "render_chatml")
    right = 'tokenizer.convert_tokens_to_ids("<|im_end|>")'
    number = tiny_tokenizer().convert_tokens_to_ids("<|im_end|>")
    cells = replace_cell(REFERENCE, "render_chatml", source.replace(right, str(number)))
    found = verdict(cells, exercise="render_chatml").exercises[0]
    assert found.status == "failed"
    assert found.points >= found.max_points - 1


def test_a_wrong_renderer_costs_the_prompt_only_what_is_wrong_in_it() -> None:
    """Weights are no part of a prompt: exercise 3 may build on exercise 2."""
    _, cells = mistaken("render_chatml")
    found = {e.exercise: e for e in verdict(cells).exercises}
    assert {name for name, e in found.items() if e.status != "passed"} == {"render_chatml"}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", "transformers", "tinker", *PRELOAD)) as zygote:
        yield zygote


@pytest.mark.jail
def test_the_jail_gives_the_verdicts_given_here(zygote: Zygote) -> None:
    full = judge(REFERENCE, LAB, zygote=zygote, seed="test")
    assert full.exercises == verdict(REFERENCE).exercises
    _, cells = mistaken("shift_to_datum")
    jailed = judge(cells, LAB, zygote=zygote, seed="test", exercises=["shift_to_datum"])
    assert jailed.exercises == verdict(cells, exercise="shift_to_datum").exercises
