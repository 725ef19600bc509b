"""Walks through the chat once and knows who may speak next."""


def keep_example(example: Chat) -> bool:
    allowed = {"system", "user"}
    after = {"system": {"user"}, "user": {"assistant"}, "assistant": {"user"}}
    role, content = "", ""
    for message in example:
        role, content = message["role"], message["content"]
        if role not in allowed:
            return False
        if content.isspace() or not content or content.count("\ufffd") > 0:
            return False
        allowed = after[role]
    if role != "assistant" or len(content) > 400:
        return False
    start = content.lstrip().upper()
    return start[: len("AS AN AI")] != "AS AN AI"
