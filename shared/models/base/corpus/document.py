"""Documents, chat turns, and the three chat formats a turn can be written in.

Formats follow what the Qwen3, Llama 3 and plain-role renderers of the Tinker cookbook write, so
that a model pretrained here meets in use what it met in training. Token ids are no concern here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

END_OF_TEXT = "<|endoftext|>"
NO_THOUGHT = "<think>\n\n</think>\n\n"


@dataclass(frozen=True)
class Turn:
    """One chat message. `reasoning` is what an assistant thinks before it speaks, if it does."""

    role: str
    text: str
    reasoning: str | None = None


@dataclass(frozen=True)
class Document:
    """One document. `right` says whether the last answer in it is the true one.

    It is None where nothing is claimed, and False where the mistake is deliberate.
    """

    kind: str
    text: str
    right: bool | None = None


Maker = Callable[[random.Random], Document]


def user(text: str) -> Turn:
    """What the person says."""
    return Turn("user", text)


def assistant(text: str, reasoning: str | None = None) -> Turn:
    """What the model says, after `reasoning` where it thinks first."""
    return Turn("assistant", text, reasoning)


def system(text: str) -> Turn:
    """The instruction a conversation starts with."""
    return Turn("system", text)


def qwen(turns: Sequence[Turn], rng: random.Random) -> str:
    """The ChatML of Qwen3. The last answer opens with an empty thought in one of six documents.

    Earlier answers are bare, as Qwen's template leaves them.
    """
    parts: list[str] = []
    for place, turn in enumerate(turns):
        head = ""
        if turn.role == "assistant" and place >= len(turns) - 2:
            if turn.reasoning is not None:
                head = f"<think>\n{turn.reasoning}\n</think>\n\n"
            elif rng.random() < 1 / 6:
                head = NO_THOUGHT
        parts.append(f"<|im_start|>{turn.role}\n{head}{turn.text}<|im_end|>")
    return "\n".join(parts)


def _spoken(turn: Turn) -> str:
    """A turn in a format that has no place for thoughts: they are said aloud."""
    return f"{turn.reasoning} {turn.text}" if turn.reasoning else turn.text


def llama3(turns: Sequence[Turn]) -> str:
    """The chat format of Llama 3."""
    body = "".join(
        f"<|start_header_id|>{turn.role}<|end_header_id|>\n\n{_spoken(turn)}<|eot_id|>"
        for turn in turns
    )
    return "<|begin_of_text|>" + body


def role_colon(turns: Sequence[Turn]) -> str:
    """Plain `User: ...` and `Assistant: ...` paragraphs, closed by the start of a next turn."""
    body = "".join(f"{turn.role.capitalize()}: {_spoken(turn)}\n\n" for turn in turns)
    return body + "User:" if turns[-1].role == "assistant" else body


def chat(turns: Sequence[Turn], rng: random.Random) -> str:
    """Turns in one of the three formats: Qwen's in 19 of 20 conversations."""
    draw = rng.random()
    if draw < 0.95:
        return qwen(turns, rng)
    return llama3(turns) if draw < 0.98 else role_colon(turns)
