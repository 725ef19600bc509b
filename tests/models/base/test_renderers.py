"""The cookbook's renderers, the chat template and the corpus write the same tokens."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinker_cookbook.renderers import get_renderer, get_text_content
from tinker_cookbook.renderers.base import Message

from shared.models.base import folder
from shared.models.base.corpus.document import (
    NO_THOUGHT,
    assistant,
    llama3,
    qwen,
    role_colon,
    system,
    user,
)
from shared.models.base.skills.asking import RENDERERS
from shared.models.base.tokenizer import load

TURNS = [
    system("Reply with only the number."),
    user("What is 23 + 45?"),
    assistant("68"),
    user("Write your answer in \\boxed{} format."),
    assistant("\\boxed{68}"),
]
MESSAGES = [Message(role=turn.role, content=turn.text) for turn in TURNS]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), min_size=1, max_size=20)


def render(name: str, messages: list[Message]) -> list[int]:
    renderer = get_renderer(name, load(folder()))
    return renderer.build_supervised_example(messages)[0].to_ints()


class Never(random.Random):
    """Draws that choose neither an empty thought nor another format."""

    def random(self) -> float:
        return 0.99


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("qwen3_instruct", qwen(TURNS, Never())),
        ("llama3", llama3(TURNS)),
        ("role_colon", role_colon(TURNS)),
    ],
)
def test_the_corpus_writes_what_the_renderer_renders(name: str, text: str) -> None:
    assert render(name, MESSAGES) == load(folder()).encode(text)


def test_the_corpus_writes_a_thought_as_the_qwen3_renderer_does() -> None:
    turns = [user("What is 2 + 3?"), assistant("The answer is 5.", "2 + 3 = 5.")]
    content = [
        {"type": "thinking", "thinking": "2 + 3 = 5."},
        {"type": "text", "text": "The answer is 5."},
    ]
    messages: Any = [Message(role="user", content=turns[0].text)]
    messages.append({"role": "assistant", "content": content})
    assert render("qwen3", messages) == load(folder()).encode(qwen(turns, Never()))


@pytest.mark.parametrize("name", ["qwen3", "qwen3_disable_thinking"])
def test_the_chat_template_agrees_with_the_renderers(name: str) -> None:
    tokenizer = load(folder())
    thinking = name == "qwen3"
    expected = tokenizer.apply_chat_template(
        [dict(m) for m in MESSAGES[:-1]],
        add_generation_prompt=True,
        enable_thinking=thinking,
        return_dict=False,
    )
    renderer = get_renderer(name, tokenizer)
    assert renderer.build_generation_prompt(MESSAGES[:-1]).to_ints() == expected
    whole = tokenizer.apply_chat_template([dict(m) for m in MESSAGES], tokenize=False)
    # The template ends a conversation with a line break, the renderer with the stop token.
    assert render(name, MESSAGES) == tokenizer.encode(str(whole).removesuffix("\n"))


def test_thinking_switched_off_opens_with_an_empty_thought() -> None:
    tokenizer = load(folder())
    renderer = get_renderer("qwen3_disable_thinking", tokenizer)
    prompt = tokenizer.decode(renderer.build_generation_prompt(MESSAGES[:2]).to_ints())
    assert prompt.endswith("<|im_start|>assistant\n" + NO_THOUGHT)


def test_the_template_renders_tool_turns_as_the_renderer_does() -> None:
    tokenizer = load(folder())
    messages = [
        Message(role="user", content="What is 2 + 3?"),
        Message(role="assistant", content="I call."),
        Message(role="tool", content="5"),
    ]
    expected = tokenizer.apply_chat_template(
        [dict(m) for m in messages], add_generation_prompt=True, return_dict=False
    )
    renderer = get_renderer("qwen3", tokenizer)
    # Qwen's template opens earlier answers with no thought; so does the renderer.
    assert renderer.build_generation_prompt(messages).to_ints() == expected


@pytest.mark.parametrize("name", RENDERERS)
@given(question=WORDS, answer=WORDS)
def test_an_answer_is_parsed_back_from_its_tokens(name: str, question: str, answer: str) -> None:
    renderer = get_renderer(name, load(folder()))
    said = answer.strip() or "x"
    messages = [Message(role="user", content=question), Message(role="assistant", content=said)]
    tokens, weights = renderer.build_supervised_example(messages)
    trained = [t for t, w in zip(tokens.to_ints(), weights.tolist(), strict=True) if w]
    assert get_text_content(renderer.parse_response(trained)[0]).strip() == said
