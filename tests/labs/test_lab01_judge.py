"""Lab 1's own judge and public checks: what they let pass, what they catch, and how they say it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.judge.feedback import as_text
from autograder.judge.runner import PRELOAD, judge
from autograder.notebook import replace_cell, source_of
from autograder.sandbox.client import Zygote
from shared.models.tokenizers import tiny_tokenizer

from .judging import Cells, Judging

LAB = Judging("lab01_datum_renderers")

# Mistakes whose feedback is looked at closely: one of each exercise.
SHOWN = {
    "shift_to_datum": "no_shift",
    "render_chatml": "end_untrained",
    "generation_prompt": "turn_closed",
    "render_role_colon": "no_closing_user",
    "truncate": "cuts_the_end",
    "describe_weights": "not_escaped",
}


def mistaken(exercise: str) -> tuple[str, Cells]:
    """The sentence of the mistake in `SHOWN`, and all cells with it."""
    sentence, code = source_of(LAB.lab / "mistakes" / f"{exercise}__{SHOWN[exercise]}.py")
    return " ".join(sentence.split()), replace_cell(LAB.reference, exercise, code)


@pytest.mark.parametrize("exercise", SHOWN)
def test_a_wrong_answer_is_caught_named_and_told_how(exercise: str) -> None:
    sentence, cells = mistaken(exercise)
    found = LAB.verdict(cells, exercise=exercise).exercises[0]
    assert found.status == "failed"
    assert found.points < found.max_points
    assert found.diagnosis == sentence
    assert found.counterexample is not None
    assert "tokenizer" in found.counterexample.call or "([" in found.counterexample.call
    assert 0 < len(found.counterexample.expected) < 200
    assert len(as_text(found).splitlines()) <= 12


def test_a_counterexample_can_be_read_without_knowing_token_ids() -> None:
    _, cells = mistaken("render_chatml")
    found = LAB.verdict(cells, exercise="render_chatml").exercises[0]
    assert found.counterexample is not None
    assert "<|im_end|>" in found.counterexample.expected
    assert "'content': 'Hi'" in found.counterexample.call


def test_a_renderer_that_knows_the_ids_by_heart_is_caught() -> None:
    """Ids differ between tokenizers: one case asks with another one."""
    source = next(cell.source for cell in LAB.reference if cell.id == "render_chatml")
    right = 'tokenizer.convert_tokens_to_ids("<|im_end|>")'
    number = tiny_tokenizer().convert_tokens_to_ids("<|im_end|>")
    cells = replace_cell(LAB.reference, "render_chatml", source.replace(right, str(number)))
    found = LAB.verdict(cells, exercise="render_chatml").exercises[0]
    assert found.status == "failed"
    assert found.points >= found.max_points - 1


def test_a_wrong_renderer_costs_the_prompt_only_what_is_wrong_in_it() -> None:
    """Weights are no part of a prompt: exercise 3 may build on exercise 2."""
    _, cells = mistaken("render_chatml")
    found = {e.exercise: e for e in LAB.verdict(cells).exercises}
    assert {name for name, e in found.items() if e.status != "passed"} == {"render_chatml"}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", "transformers", "tinker", *PRELOAD)) as zygote:
        yield zygote


@pytest.mark.jail
def test_the_jail_gives_the_verdicts_given_here(zygote: Zygote) -> None:
    full = judge(LAB.reference, LAB.lab, zygote=zygote, seed="test")
    assert full.exercises == LAB.verdict(LAB.reference).exercises
    _, cells = mistaken("shift_to_datum")
    jailed = judge(cells, LAB.lab, zygote=zygote, seed="test", exercises=["shift_to_datum"])
    assert jailed.exercises == LAB.verdict(cells, exercise="shift_to_datum").exercises
