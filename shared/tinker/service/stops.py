"""When a completion ends early: at a stop token or once its text contains a stop string.

Text is decoded as tokens come, so a stop string is found wherever the borders between tokens fall,
also inside a character that several tokens spell. Leaves out: cutting; the tokens that complete a
stop belong to the completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UNFINISHED = "\ufffd"
"""What a tokenizer writes for bytes that are no whole character yet."""


def stop_ids(
    stop: tuple[int, ...] | tuple[str, ...] | None, eos_ids: Sequence[int]
) -> frozenset[int]:
    """The tokens that end a completion: the model's own ends, and those asked for.

    As on hosted Tinker `None` leaves the model's ends in force and `()` disables them. Stop
    strings or tokens come on top of them: the cookbook's role_colon renderer stops at a string
    and still reads completions that ended with the end of text.
    """
    if stop == ():
        return frozenset()
    return frozenset(eos_ids) | {s for s in stop or () if isinstance(s, int)}


def stop_strings(stop: tuple[int, ...] | tuple[str, ...] | None) -> tuple[str, ...]:
    """The strings among the stops."""
    return tuple(s for s in stop or () if isinstance(s, str))


class TextWatch:
    """Reads a completion token by token and says when a stop string is complete.

    Only the tokens since the last whole character are decoded, behind the tokens before them,
    because some tokenizers drop a space at the start of a text.
    """

    def __init__(self, tokenizer: Any, strings: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._strings = tuple(strings)
        self._keep = max(len(s) for s in strings) - 1
        self._tail = ""
        self._before: list[int] = []
        self._before_text = ""
        self._open: list[int] = []

    def push(self, token: int) -> bool:
        """Take the next token; True when the text now contains a stop string."""
        self._open.append(token)
        text = self._decode(self._before + self._open)
        seen = self._tail + text[len(self._before_text) :]
        if any(s in seen for s in self._strings):
            return True
        if text.endswith(UNFINISHED) and len(self._open) < 4:  # UTF-8: four bytes at most
            return False
        self._tail = seen[-self._keep :] if self._keep else ""
        self._before, self._open = self._open, []
        self._before_text = self._decode(self._before)
        return False

    def _decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(
            tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
