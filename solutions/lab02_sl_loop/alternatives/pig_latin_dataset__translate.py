"""Words checked by a regular expression, doubles removed at the end."""

import re
from collections.abc import Sequence


def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    def chat(word: str) -> list[dict[str, str]]:
        match = re.fullmatch("([a-z])([a-z]*)", word)
        if match is None:
            raise ValueError(f"not spelled with a to z: {word!r}")
        first, rest = match.groups()
        return [
            {"role": "user", "content": "Translate to Pig Latin: " + word},
            {"role": "assistant", "content": rest + first + "ay"},
        ]

    by_word = {}
    for word in words:
        by_word.setdefault(word, chat(word))
    return list(by_word.values())
