"""You divide by all chats that were given. Those left out save nothing: divide by the chats that
you keep."""

from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    chats: list[list[dict[str, str]]] = []
    saved = 0
    for chat in teacher_outputs:
        if not chat or chat[-1]["role"] != "assistant" or not chat[-1]["content"].strip():
            continue
        short = [dict(message) for message in chat if message["role"] != "system"]
        saved += len(prompt_tokens(chat[:-1])) - len(prompt_tokens(short[:-1]))
        chats.append(short)
    return chats, saved / len(teacher_outputs) if chats else 0.0
