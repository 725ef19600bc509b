"""Lab 1's reference against the cookbook's own renderers: same tokens, same weights.

The judge compares hand-ins with the reference alone, because importing the cookbook would cost each
of them more than all its cases; so the reference has to prove itself here. Where the cookbook is no
oracle, a property stands in its place.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tinker_cookbook.renderers import TrainOnWhat, get_renderer
from tinker_cookbook.supervised.common import datum_from_model_input_weights

from autograder.notebook import reference_cells
from shared.models.tokenizers import foreign_tokenizer, tiny_tokenizer

LAB = Path(__file__).resolve().parents[2] / "solutions" / "lab01_datum_renderers"
RENDERERS = {
    "qwen3_instruct": "render_chatml",
    "role_colon": "render_role_colon",
    "llama3": "render_llama3",
}
SPECIAL = [
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|endoftext|>", "<|end_of_text|>",
]  # fmt: skip
ROLES = ["system", "user", "assistant"]

plain_text = st.text(max_size=12) | st.lists(
    st.sampled_from(
        [
            "",
            "Hi",
            "What is 2 + 3?",
            "\n",
            "\n\n",
            " ",
            "🙂",
            "naïve",
            "User:",
            "\n\nUser: x",
            "<b>",
        ]
    ),
    max_size=4,
).map("".join)
typed_text = st.lists(st.sampled_from([*SPECIAL, "Hi", " ", "\n"]), max_size=4).map("".join)
tokenizers = st.booleans().map(lambda foreign: _tokenizers()[foreign])


def chats(contents: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    message = st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": contents})
    return st.lists(message, max_size=5)


@cache
def lab() -> Any:
    """The reference's functions."""
    names: dict[str, Any] = {"__name__": "lab01"}
    for cell in reference_cells(LAB):
        exec(compile(cell.source, cell.id, "exec"), names)
    return SimpleNamespace(**names)


@cache
def _tokenizers() -> tuple[Any, Any]:
    return tiny_tokenizer(), foreign_tokenizer()


def theirs(name: str, messages: list[Any], tokenizer: Any, train_on: str) -> Any:
    renderer = get_renderer(name, tokenizer)
    model_input, weights = renderer.build_supervised_example(messages, TrainOnWhat(train_on))
    return model_input.to_ints(), weights.tolist()


def ours(name: str, messages: list[Any], tokenizer: Any, train_on: str) -> Any:
    return getattr(lab(), RENDERERS[name])(messages, tokenizer, train_on)


def test_the_lab_takes_its_choices_from_the_cookbook() -> None:
    known = {value.value for value in TrainOnWhat}
    assert set(lab().TRAINED_ROLES) == known - {"last_assistant_turn", "customized"}


@pytest.mark.parametrize("train_on", lab().TRAINED_ROLES)
@settings(max_examples=60, deadline=None)
@given(messages=chats(plain_text | typed_text), tokenizer=tokenizers)
def test_chatml_is_the_cookbooks_qwen3_instruct(
    train_on: str, messages: list[Any], tokenizer: Any
) -> None:
    got = ours("qwen3_instruct", messages, tokenizer, train_on)
    assert got == theirs("qwen3_instruct", messages, tokenizer, train_on)


@pytest.mark.parametrize("train_on", lab().TRAINED_ROLES)
@settings(max_examples=60, deadline=None)
@given(messages=chats(plain_text), tokenizer=tokenizers)
def test_llama3_is_the_cookbooks_where_nobody_types_special_tokens(
    train_on: str, messages: list[Any], tokenizer: Any
) -> None:
    got = ours("llama3", messages, tokenizer, train_on)
    assert got == theirs("llama3", messages, tokenizer, train_on)


@pytest.mark.parametrize("train_on", lab().TRAINED_ROLES)
@settings(max_examples=60, deadline=None)
@given(messages=chats(plain_text), last=plain_text, tokenizer=tokenizers)
def test_role_colon_is_the_cookbooks_for_chats_that_end_with_an_answer(
    train_on: str, messages: list[Any], last: str, tokenizer: Any
) -> None:
    chat = [*messages, {"role": "assistant", "content": last}]
    got = ours("role_colon", chat, tokenizer, train_on)
    assert got == theirs("role_colon", chat, tokenizer, train_on)


def test_after_a_question_the_cookbooks_role_colon_writes_a_placeholder() -> None:
    """The lab says so: there, and for special tokens, the cookbook is no oracle."""
    tokenizer, chat = _tokenizers()[0], [{"role": "user", "content": "Hi"}]
    written, _ = theirs("role_colon", chat, tokenizer, "all_messages")
    assert tokenizer.decode(written) == "User: Hi\n\n<UNUSED>"
    assert (
        tokenizer.decode(ours("role_colon", chat, tokenizer, "all_messages")[0]) == "User: Hi\n\n"
    )


@pytest.mark.parametrize(
    ("name", "special"), [("role_colon", "<|eot_id|>"), ("llama3", "<|eot_id|>")]
)
def test_the_cookbook_lets_a_user_type_a_special_token_there(name: str, special: str) -> None:
    tokenizer = _tokenizers()[0]
    chat = [{"role": "user", "content": special}, {"role": "assistant", "content": "Hi"}]
    number = tokenizer.convert_tokens_to_ids(special)
    one, two = (f(name, chat, tokenizer, "all_messages")[0] for f in (ours, theirs))
    assert two.count(number) == one.count(number) + 1


@pytest.mark.parametrize("name", RENDERERS)
@settings(max_examples=60, deadline=None)
@given(messages=chats(typed_text | plain_text), tokenizer=tokenizers)
def test_what_is_typed_never_becomes_special(
    name: str, messages: list[Any], tokenizer: Any
) -> None:
    """As many special tokens as for a chat that says nothing, and every word of it still there."""
    silent = [{**message, "content": ""} for message in messages]
    special = set(tokenizer.convert_tokens_to_ids(SPECIAL))
    said, unsaid = (ours(name, chat, tokenizer, "all_messages")[0] for chat in (messages, silent))
    found = [[token for token in tokens if token in special] for tokens in (said, unsaid)]
    assert found[0] == found[1]
    assert all(message["content"] in tokenizer.decode(said) for message in messages)


@settings(max_examples=60, deadline=None)
@given(messages=chats(plain_text | typed_text), tokenizer=tokenizers)
def test_prompts_are_the_cookbooks(messages: list[Any], tokenizer: Any) -> None:
    theirs_ = get_renderer("qwen3_instruct", tokenizer).build_generation_prompt(messages)
    assert lab().generation_prompt(messages, tokenizer) == theirs_.to_ints()


@settings(max_examples=60, deadline=None)
@given(text=plain_text, finished=st.booleans(), tokenizer=tokenizers)
def test_answers_are_read_as_the_cookbook_reads_them(
    text: str, finished: bool, tokenizer: Any
) -> None:
    tokens = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    tokens += [tokenizer.convert_tokens_to_ids("<|im_end|>")] * finished
    message, termination = get_renderer("qwen3_instruct", tokenizer).parse_response(tokens)
    assert lab().parse_response(tokens, tokenizer) == (message, termination.is_clean)


@settings(max_examples=60, deadline=None)
@given(messages=chats(plain_text), train_on=st.sampled_from(sorted(lab().TRAINED_ROLES)))
def test_datums_are_the_cookbooks(messages: list[Any], train_on: str) -> None:
    tokenizer = _tokenizers()[0]
    chat = [*messages, {"role": "assistant", "content": "Hi"}]
    renderer = get_renderer("qwen3_instruct", tokenizer)
    model_input, weights = renderer.build_supervised_example(chat, TrainOnWhat(train_on))
    expected = datum_from_model_input_weights(model_input, weights)
    got = lab().shift_to_datum(model_input.to_ints(), weights.tolist())
    assert got.model_input.to_ints() == expected.model_input.to_ints()
    for name in ("target_tokens", "weights"):
        one, two = got.loss_fn_inputs[name], expected.loss_fn_inputs[name]
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
        assert torch.equal(one.to_torch(), two.to_torch())
