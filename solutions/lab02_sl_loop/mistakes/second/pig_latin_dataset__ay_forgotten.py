"""The same mistake, written differently."""

from collections.abc import Sequence


def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    chats: list[list[dict[str, str]]] = []
    seen: set[str] = set()
    for word in words:
        if not (word.isascii() and word.isalpha() and word.islower()):
            raise ValueError(f"not a word: {word!r}")
        if word in seen:
            continue
        seen.add(word)
        first, rest = word[:1], word[1:]
        contents = {"user": f"Translate to Pig Latin: {word}", "assistant": f"{rest}{first}"}
        chats.append([{"role": role, "content": text} for role, text in contents.items()])
    return chats
