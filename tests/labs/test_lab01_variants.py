"""Lab 1's wrong and right answers, held against each other without the judge.

Every answer meets the same seeded inputs in plain Python. The judge's own exam is `labkit audit`;
this test says that what the exam is made of is sound: right answers agree with the reference,
wrong ones differ from it and from one another, and both versions of a mistake do the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import tinker

from autograder.audit.mutate import normalised
from autograder.notebook import reference_cells, replace_cell, source_of
from shared.models.tokenizers import foreign_tokenizer, tiny_tokenizer

LAB = Path(__file__).resolve().parents[2] / "solutions" / "lab01_datum_renderers"
INPUTS = 120
SEEN_OFTEN = 3  # differing inputs of 120: not one exotic input
KINDS = ("mistakes", "mistakes/second", "alternatives")
CONTENTS = (
    "Hi",
    "What is 2 + 3?",
    "",
    " x\n",
    "a\n\nb",
    "🙂 é",
    "<think>",
    "<|im_end|>",
    "<|eot_id|>",
)
SPECIAL = ("<|im_end|>", "<|im_start|>", "<|endoftext|>")
Names = dict[str, Any]


def attempt(call: Callable[..., Any], *args: Any) -> Any:
    """The value, or the kind of error; every ValueError is alike, as it is for the judge."""
    try:
        return call(*args)
    except ValueError:
        return "ValueError"
    except Exception as error:
        return type(error).__name__


def any_tokenizer(rng: Random) -> Any:
    return rng.choice([tiny_tokenizer(), tiny_tokenizer(), foreign_tokenizer()])


def chat(rng: Random) -> list[dict[str, str]]:
    roles = ["user", "assistant", "system", *(["tool"] if rng.random() < 0.1 else [])]
    return [
        {"role": rng.choice(roles), "content": rng.choice(CONTENTS)}
        for _ in range(rng.randint(0, 4))
    ]


def choice(rng: Random) -> str:
    values = ("last_assistant_message", "all_assistant_messages", "all_messages", "all_tokens")
    return rng.choice([*values, *values, "all_user_and_system_messages", "customized"])


def weights_for(rng: Random, count: int) -> list[float]:
    weights = [rng.choice([0.0, 0.0, 1.0, 0.25]) for _ in range(count)]
    if weights and rng.random() < 0.1:
        weights[rng.randrange(count)] = rng.choice([-1.0, math.nan, math.inf])
    return weights


# One function for each exercise: draw an input from rng, use the answer, return what is seen.


def shift_to_datum(names: Names, rng: Random) -> Any:
    count = rng.randint(0, 6)
    weights = weights_for(rng, max(0, count + rng.choice([0, 0, 0, 0, 1, -1])))
    found = attempt(names["shift_to_datum"], [rng.randint(3, 99) for _ in range(count)], weights)
    if not isinstance(found, tinker.Datum):
        return found
    arrays = {
        name: [array.dtype, array.to_numpy().tolist()]
        for name, array in found.loss_fn_inputs.items()
    }
    return [found.model_input.to_ints(), arrays]


def render_chatml(names: Names, rng: Random) -> Any:
    return attempt(names["render_chatml"], chat(rng), any_tokenizer(rng), choice(rng))


def generation_prompt(names: Names, rng: Random) -> Any:
    tokenizer, tokens = any_tokenizer(rng), []
    for _ in range(rng.randint(0, 3)):
        text = rng.choice([*CONTENTS, *SPECIAL])
        typed = rng.random() < 0.5
        tokens += tokenizer.encode(text, add_special_tokens=False, split_special_tokens=typed)
    if rng.random() < 0.5:
        tokens += tokenizer.encode("<|im_end|>", add_special_tokens=False)
    answer = attempt(names["parse_response"], tokens, tokenizer)
    return [
        attempt(names["generation_prompt"], chat(rng), tokenizer),
        answer if isinstance(answer, str) else (sorted(answer[0].items()), answer[1]),
    ]


def render_role_colon(names: Names, rng: Random) -> Any:
    messages, tokenizer, train_on = chat(rng), any_tokenizer(rng), choice(rng)
    return [
        attempt(names[name], messages, tokenizer, train_on)
        for name in ("render_role_colon", "render_llama3")
    ]


def truncate(names: Names, rng: Random) -> Any:
    count = rng.randint(0, 10)
    weights = weights_for(rng, max(0, count + rng.choice([0, 0, 0, 0, 0, 1, -1])))
    return attempt(names["truncate"], list(range(count)), weights, rng.choice([1, 2, 3, 4, 5, 9]))


class Table(HTMLParser):
    """Classes and cells, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [f"<{tag} {dict(attrs).get('class') or ''}>"] if tag in ("tr", "td") else []
        if tag == "th":
            self.seen.append("header")

    def handle_data(self, data: str) -> None:
        self.seen += [data.strip()] if data.strip() else []


def describe_weights(names: Names, rng: Random) -> Any:
    tokenizer, tokens = any_tokenizer(rng), []
    for text in rng.choices(["Hi", " ", "\n", "2 + 3", "<think>", "<|im_end|>", "🙂"], k=3):
        tokens += tokenizer.encode(text, add_special_tokens=False)
    weights = [rng.choice([0.0, 1.0, 0.5]) for _ in tokens]
    if rng.random() < 0.2:
        weights = rng.choice([weights[1:], [*weights, 1.0]])
    page = attempt(names["describe_weights"], tokens, weights, tokenizer)
    reader = Table()
    reader.feed(page)
    rows = "\n".join(reader.seen).split("<tr ")
    return [row for row in rows[1:] if "header" not in row] or page


OBSERVE = {
    function.__name__: function
    for function in (
        shift_to_datum,
        render_chatml,
        generation_prompt,
        render_role_colon,
        truncate,
        describe_weights,
    )
}


def paths_of(kind: str, exercise: str = "*") -> list[Path]:
    return sorted((LAB / kind).glob(f"{exercise}__*.py"))


@cache
def seen_of(exercise: str, path: Path | None) -> list[str]:
    """What the answer in `path` (None: the reference) shows on every input, as text."""
    cells = reference_cells(LAB)
    if path is not None:
        cells = replace_cell(cells, exercise, source_of(path)[1])
    names: Names = {"__name__": "answer"}
    for cell in cells:
        exec(compile(cell.source, cell.id, "exec"), names)
    return [repr(OBSERVE[exercise](names, Random(number))) for number in range(INPUTS)]


def differing(exercise: str, left: Path | None, right: Path | None) -> list[int]:
    pairs = zip(seen_of(exercise, left), seen_of(exercise, right), strict=True)
    return [number for number, (one, other) in enumerate(pairs) if one != other]


every_exercise = pytest.mark.parametrize("exercise", OBSERVE)


@every_exercise
def test_alternatives_agree_with_the_reference(exercise: str) -> None:
    wrong = {path.stem: differing(exercise, path, None) for path in paths_of(KINDS[2], exercise)}
    assert {name: numbers for name, numbers in wrong.items() if numbers} == {}


@every_exercise
def test_mistakes_differ_from_the_reference_and_agree_with_it_somewhere(exercise: str) -> None:
    counts = {p.stem: len(differing(exercise, p, None)) for p in paths_of("mistakes", exercise)}
    assert {name: n for name, n in counts.items() if not SEEN_OFTEN <= n < INPUTS} == {}


@every_exercise
def test_mistakes_differ_from_one_another(exercise: str) -> None:
    alike = [
        (one.stem, other.stem)
        for one, other in combinations(paths_of("mistakes", exercise), 2)
        if len(differing(exercise, one, other)) < SEEN_OFTEN
    ]
    assert alike == []


@every_exercise
def test_second_versions_do_what_the_first_do_in_other_words(exercise: str) -> None:
    for path in paths_of("mistakes", exercise):
        second = path.parent / "second" / path.name
        assert differing(exercise, path, second) == [], path.stem
        assert normalised(source_of(path)[1]) != normalised(source_of(second)[1]), path.stem


@every_exercise
def test_there_are_enough_answers_and_no_two_are_the_same_program(exercise: str) -> None:
    alternatives = paths_of("alternatives", exercise)
    assert len(paths_of("mistakes", exercise)) >= 5
    assert len(alternatives) >= 3
    reference = next(cell.source for cell in reference_cells(LAB) if cell.id == exercise)
    programs = [reference, *(source_of(path)[1] for path in alternatives)]
    assert len({normalised(program) for program in programs}) == len(programs)


def test_every_file_belongs_to_an_exercise_and_every_mistake_has_a_second_version() -> None:
    for kind in KINDS:
        assert {path.stem.partition("__")[0] for path in paths_of(kind)} == OBSERVE.keys()
    firsts, seconds = ({path.name for path in paths_of(kind)} for kind in KINDS[:2])
    assert firsts == seconds


@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_are_short_enough_to_be_read(kind: str) -> None:
    for path in paths_of(kind):
        sentence = source_of(path)[0]
        assert 20 <= len(sentence) <= 200, path.stem
        assert kind != "mistakes" or "you" in sentence.lower(), path.stem
