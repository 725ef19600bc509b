"""You return the words in another order than they were given in."""

from collections.abc import Sequence


def pig_latin_dataset(words: Sequence[str]) -> list[list[dict[str, str]]]:
    chats = []
    for word in sorted(set(words)):
        if not word or not set(word) <= set("abcdefghijklmnopqrstuvwxyz"):
            raise ValueError(f"{word!r} is no word of the letters a to z.")
        question = {"role": "user", "content": f"Translate to Pig Latin: {word}"}
        answer = {"role": "assistant", "content": word[1:] + word[0] + "ay"}
        chats.append([question, answer])
    return chats
