"""You look for broken characters in the answer only. The rule is about every message."""


def keep_example(example: Chat) -> bool:
    turns = list(example)
    if turns and turns[0]["role"] == "system":
        turns = turns[1:]
    if not turns or len(turns) % 2:
        return False
    if any(m["role"] != ("user", "assistant")[i % 2] for i, m in enumerate(turns)):
        return False
    if any(
        not m["content"].strip() or ("\ufffd" in m["content"] and m is example[-1]) for m in example
    ):
        return False
    answer = turns[-1]["content"]
    return len(answer) <= 400 and not answer.strip().lower().startswith("as an ai")
