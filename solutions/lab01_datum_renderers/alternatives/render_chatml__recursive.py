"""Renders all but the last message first, then adds the last one; the end is encoded with its
text."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def _one(message, tokenizer, opening: str) -> tuple[list[int], list[int]]:
    header = tokenizer(opening + "<|im_start|>" + message["role"] + "\n", add_special_tokens=False)[
        "input_ids"
    ]
    content = tokenizer(message["content"], add_special_tokens=False, split_special_tokens=True)[
        "input_ids"
    ]
    return header, [*content, tokenizer.get_vocab()["<|im_end|>"]]


def render_chatml(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase, train_on: str
) -> tuple[list[int], list[float]]:
    try:
        roles = TRAINED_ROLES[train_on]
    except KeyError:
        raise ValueError(f"cannot train on {train_on}") from None
    if not messages:
        return [], []
    *before, last = messages
    if last["role"] not in ROLES:
        raise ValueError(f"cannot render {last['role']}")
    tokens, weights = render_chatml(before, tokenizer, train_on)
    if train_on == "last_assistant_message":
        weights = [0.0 for _ in weights]
    header, body = _one(last, tokenizer, "\n" if before else "")
    tokens = tokens + header + body
    while len(weights) < len(tokens) - len(body):
        weights.append(1.0 if train_on == "all_tokens" else 0.0)
    while len(weights) < len(tokens):
        weights.append(1.0 if last["role"] in roles else 0.0)
    return tokens, weights
