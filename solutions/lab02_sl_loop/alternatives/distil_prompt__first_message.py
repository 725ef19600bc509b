"""Only the first message can be the system's: it is cut off where it is."""

from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    result, tokens_saved = [], 0.0
    for chat in teacher_outputs:
        if len(chat) == 0:
            continue
        answer = chat[-1]
        if not (answer["role"] == "assistant" and answer["content"].split()):
            continue
        start = 1 if chat[0]["role"] == "system" else 0
        long, brief = (len(prompt_tokens(chat[k:-1])) for k in (0, start))
        tokens_saved += long - brief
        kept = []
        for message in chat[start:]:
            kept.append({"role": message["role"], "content": message["content"]})
        result.append(kept)
    return result, tokens_saved / max(len(result), 1)
