"""The base model's tokenizer, and one of another kind for code that is meant to work with any.

The other one cuts text alike, but every id differs, and like Llama's own it puts a start token
before whatever it encodes unless it is told not to. Code that holds with both has no id written
into it and asks for nothing that it does not want.

Neither goes through transformers' `AutoTokenizer`, which takes seconds to import.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from shared.models import base

START = "<|begin_of_text|>"
_MOVED_BY = 7


@cache
def tiny_tokenizer() -> PreTrainedTokenizerBase:
    """The base model's own, from its folder; the hub is never asked."""
    return PreTrainedTokenizerFast.from_pretrained(base.folder(), local_files_only=True)


@cache
def foreign_tokenizer() -> PreTrainedTokenizerBase:
    """The base model's tokenizer with moved ids and a start token (`bos_token`) of its own."""
    from tokenizers import Tokenizer

    data: dict[str, Any] = json.loads((base.folder() / "tokenizer.json").read_text("utf-8"))
    vocabulary = {f"<unused {number}>": number for number in range(_MOVED_BY)}
    for piece, number in data["model"]["vocab"].items():
        vocabulary[piece] = number + _MOVED_BY
    data["model"]["vocab"] = vocabulary
    for token in data["added_tokens"]:
        token["id"] += _MOVED_BY
    start = next(token["id"] for token in data["added_tokens"] if token["content"] == START)
    data["post_processor"] = _starting_with(START, start)
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(data)),
        bos_token=START,
        eos_token="<|end_of_text|>",
        clean_up_tokenization_spaces=False,
    )


def _starting_with(token: str, number: int) -> dict[str, Any]:
    """The step of a tokenizer that puts `token` before a text, and before each of a pair."""
    first = {"SpecialToken": {"id": token, "type_id": 0}}
    a, b = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "type": "TemplateProcessing",
        "single": [first, a],
        "pair": [first, a, first, b],
        "special_tokens": {token: {"id": token, "ids": [number], "tokens": [token]}},
    }
