"""The saving of each chat in a list, its mean by statistics."""

import statistics
from collections.abc import Sequence


def distil_prompt(
    teacher_outputs: Sequence[Chat],
) -> tuple[list[list[dict[str, str]]], float]:
    short: list[list[dict[str, str]]] = []
    savings: list[int] = []
    for chat in teacher_outputs:
        match list(chat):
            case [*before, {"role": "assistant", "content": answer}] if answer.strip():
                without = [m for m in before if m["role"] != "system"]
                last = {"role": "assistant", "content": answer}
                short.append([*({**m} for m in without), last])
                savings.append(len(prompt_tokens(before)) - len(prompt_tokens(without)))
    return short, float(statistics.fmean(savings)) if savings else 0.0
