"""Questions and answers in two lists, zipped into chats."""

import string
from collections.abc import Sequence


def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    kept = [word for place, word in enumerate(words) if word not in words[:place]]
    for word in kept:
        if len(word) == 0 or word.strip(string.ascii_lowercase) != "":
            raise ValueError(word)
        if any(letter not in string.ascii_lowercase for letter in word):
            raise ValueError(word)
    questions = [f"Translate to Pig Latin: {word}" for word in kept]
    answers_ = ["".join([*word[1:], word[0], "a", "y"]) for word in kept]
    return [
        [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        for asked, said in zip(questions, answers_, strict=True)
    ]
