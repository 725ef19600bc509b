"""You keep answers that are empty or nothing but white space. They teach the model to say
nothing."""

from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    chats: list[list[dict[str, str]]] = []
    saved = 0
    for chat in teacher_outputs:
        if not chat or chat[-1]["role"] != "assistant":
            continue
        short = [dict(message) for message in chat if message["role"] != "system"]
        saved += len(prompt_tokens(chat[:-1])) - len(prompt_tokens(short[:-1]))
        chats.append(short)
    return chats, saved / len(chats) if chats else 0.0
