"""A function for each rule, all of which must say yes."""

import re


def takes_turns(chat) -> bool:
    letters = "".join({"system": "s", "user": "u", "assistant": "a"}[m["role"]] for m in chat)
    return re.fullmatch("s?(ua)+", letters) is not None


def is_said(chat) -> bool:
    return all(len(m["content"].split()) > 0 for m in chat)


def is_decoded(chat) -> bool:
    return "\N{REPLACEMENT CHARACTER}" not in "".join(m["content"] for m in chat)


def is_short(chat) -> bool:
    return len(chat[-1]["content"]) < 401


def is_no_refusal(chat) -> bool:
    return re.match(r"\s*as an ai", chat[-1]["content"], re.IGNORECASE) is None


def keep_example(example: Chat) -> bool:
    rules = (takes_turns, is_said, is_decoded, is_short, is_no_refusal)
    return all(rule(example) for rule in rules)
