"""One loop for both formats; what differs stands in a small table."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def _render(messages, tokenizer, train_on, start, header_of, text_of, end_of):
    if train_on not in TRAINED_ROLES:
        raise ValueError(f"{train_on!r} is no choice")
    encode = tokenizer.encode
    tokens = list(start)
    weights = [0.0 for _ in start]
    count = len(messages)
    for number, message in enumerate(messages, start=1):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(f"{role!r} is no role")
        header = encode(header_of(role), add_special_tokens=False)
        body = encode(
            text_of(message["content"]), add_special_tokens=False, split_special_tokens=True
        )
        body = body + end_of(role, number == count)
        share = 1.0 if role in TRAINED_ROLES[train_on] else 0.0
        if number < count and train_on.startswith("last"):
            share = 0.0
        tokens.extend(header)
        weights.extend([1.0 if train_on == "all_tokens" else 0.0] * len(header))
        tokens.extend(body)
        weights.extend([share] * len(body))
    return tokens, weights


def render_role_colon(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    start = [] if tokenizer.bos_token is None else [tokenizer.bos_token_id]
    closing = tokenizer.encode("User:", add_special_tokens=False)
    names = {"system": "System:", "user": "User:", "assistant": "Assistant:"}
    return _render(
        messages, tokenizer, train_on, start, names.__getitem__,
        lambda content: f" {content}\n\n",
        lambda role, last: closing if last and role == "assistant" else [],
    )  # fmt: skip


def render_llama3(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    vocabulary = tokenizer.get_vocab()
    return _render(
        messages, tokenizer, train_on, [vocabulary["<|begin_of_text|>"]],
        lambda role: f"<|start_header_id|>{role}<|end_header_id|>\n\n",
        lambda content: content,
        lambda role, last: [vocabulary["<|eot_id|>"]],
    )  # fmt: skip
