"""The same mistake, written differently."""


def keep_example(example: Chat) -> bool:
    chat = [dict(message) for message in example]
    for message in chat:
        if message["content"].strip() == "" or "\ufffd" in message["content"]:
            return False
    roles = [message["role"] for message in chat]
    if roles[:1] == ["system"]:
        del roles[0]
    if roles == [] or roles != ["user", "assistant"] * (len(roles) // 2):
        return False
    last = chat[-1]["content"]
    return not (len(last) > 400 or last.lstrip()[:8] == "As an AI")
