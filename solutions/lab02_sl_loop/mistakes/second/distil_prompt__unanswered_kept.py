"""The same mistake, written differently."""

from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    def useful(chat: Chat) -> bool:
        return bool(chat) and chat[-1]["content"].strip() != ""

    kept = [chat for chat in teacher_outputs if useful(chat)]
    if not kept:
        return [], 0.0
    short = [[dict(m) for m in chat if m["role"] in ("user", "assistant")] for chat in kept]
    read_before = sum(len(prompt_tokens(chat[:-1])) for chat in kept)
    read_now = sum(len(prompt_tokens(chat[:-1])) for chat in short)
    return short, (read_before - read_now) / len(kept)
