"""What Lab 1's answers show on a seeded input: one function for each exercise."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from random import Random
from typing import Any

import tinker

from shared.models.tokenizers import foreign_tokenizer, tiny_tokenizer

from .answers import Answers, Names, attempt

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


def same(left: Any, right: Any) -> bool:
    """Alike as text: NaN is NaN, and 1 is not 1.0."""
    return repr(left) == repr(right)


ANSWERS = Answers(name="lab01_datum_renderers", observe=OBSERVE, inputs=120, same=same)
