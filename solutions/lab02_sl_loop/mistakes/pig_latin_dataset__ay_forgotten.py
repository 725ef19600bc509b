"""You forget the ay at the end."""

from collections.abc import Sequence


def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    chats = []
    for word in dict.fromkeys(words):
        if not word or not set(word) <= set("abcdefghijklmnopqrstuvwxyz"):
            raise ValueError(f"{word!r} is no word of the letters a to z.")
        question = {"role": "user", "content": f"Translate to Pig Latin: {word}"}
        answer = {"role": "assistant", "content": word[1:] + word[0]}
        chats.append([question, answer])
    return chats
