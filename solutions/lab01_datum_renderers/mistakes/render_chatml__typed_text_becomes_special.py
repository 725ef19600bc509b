"""You let a special token that a user types become a real one, so the user can end the turn and
open another. Encode content with split_special_tokens=True."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def render_chatml(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase, train_on: str
) -> tuple[list[int], list[float]]:
    if train_on not in TRAINED_ROLES:
        raise ValueError("unknown train_on")
    if any(message["role"] not in ROLES for message in messages):
        raise ValueError("unknown role")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokens, weights = [], []
    for i, message in enumerate(messages):
        header = "<|im_start|>" + message["role"] + "\n"
        if i > 0:
            header = "\n" + header
        header_ids = tokenizer.encode(header, add_special_tokens=False)
        content = message["content"]
        content_ids = tokenizer.encode(content, add_special_tokens=False)
        weight = 1.0 if message["role"] in TRAINED_ROLES[train_on] else 0.0
        if train_on == "last_assistant_message" and i != len(messages) - 1:
            weight = 0.0
        header_weight = 1.0 if train_on == "all_tokens" else 0.0
        tokens.extend(header_ids + content_ids + [end])
        weights.extend([header_weight] * len(header_ids))
        weights.extend([weight] * len(content_ids))
        weights.append(weight)
    return tokens, weights
