"""You train with the system prompt still in front. The model then behaves only where it reads
it."""

from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    chats: list[list[dict[str, str]]] = []
    saved = 0
    for chat in teacher_outputs:
        if not chat or chat[-1]["role"] != "assistant" or not chat[-1]["content"].strip():
            continue
        short = [dict(message) for message in chat if message["role"] is not None]
        saved += len(prompt_tokens(chat[:-1])) - len(
            prompt_tokens([x for x in short[:-1] if x["role"] != "system"])
        )
        chats.append(short)
    return chats, saved / len(chats) if chats else 0.0
