"""You let a special token that a user types become a real one in these formats. Encode content
with split_special_tokens=True here too."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def _weight(role: str, is_last: bool, train_on: str) -> float:
    if train_on == "last_assistant_message" and not is_last:
        return 0.0
    return 1.0 if role in TRAINED_ROLES[train_on] else 0.0


def _refuse(messages: Sequence[Mapping[str, str]], train_on: str) -> None:
    if train_on not in TRAINED_ROLES or any(m["role"] not in ROLES for m in messages):
        raise ValueError("unknown train_on or role")


def render_role_colon(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    _refuse(messages, train_on)
    tokens, weights = [], []
    if tokenizer.bos_token is not None:
        tokens.append(tokenizer.bos_token_id)
        weights.append(0.0)
    for i, message in enumerate(messages):
        is_last = i == len(messages) - 1
        header = message["role"].capitalize() + ":"
        header_ids = tokenizer.encode(header, add_special_tokens=False)
        body = " " + message["content"] + "\n\n"
        body_ids = tokenizer.encode(body, add_special_tokens=False)
        weight = _weight(message["role"], is_last, train_on)
        header_weight = 1.0 if train_on == "all_tokens" else 0.0
        tokens += header_ids + body_ids
        weights += [header_weight] * len(header_ids) + [weight] * len(body_ids)
        if is_last and message["role"] == "assistant":
            closing = tokenizer.encode("User:", add_special_tokens=False)
            tokens += closing
            weights += [weight] * len(closing)
    return tokens, weights


def render_llama3(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    _refuse(messages, train_on)
    eot = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    tokens, weights = [tokenizer.convert_tokens_to_ids("<|begin_of_text|>")], [0.0]
    for i, message in enumerate(messages):
        header = "<|start_header_id|>" + message["role"] + "<|end_header_id|>\n\n"
        header_ids = tokenizer.encode(header, add_special_tokens=False)
        text = message["content"]
        content_ids = tokenizer.encode(text, add_special_tokens=False)
        weight = _weight(message["role"], i == len(messages) - 1, train_on)
        header_weight = 1.0 if train_on == "all_tokens" else 0.0
        tokens += header_ids + content_ids + [eot]
        weights += [header_weight] * len(header_ids) + [weight] * len(content_ids)
        weights += [weight]
    return tokens, weights
