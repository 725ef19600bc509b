"""Start again and again, written differently."""

from collections.abc import Iterator, Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def _turns(messages: Sequence[Mapping[str, str]], train_on: str) -> Iterator[tuple]:
    """Role, content, whether it is the last one, and the weights of header and content."""
    if train_on not in TRAINED_ROLES:
        raise ValueError(train_on)
    for left, message in zip(range(len(messages) - 1, -1, -1), messages, strict=True):
        role = message["role"]
        if role not in ROLES:
            raise ValueError(role)
        learn = role in TRAINED_ROLES[train_on]
        if left and train_on == "last_assistant_message":
            learn = False
        yield role, message["content"], not left, float(train_on == "all_tokens"), float(learn)


def _joined(pieces: list[tuple[list[int], float]]) -> tuple[list[int], list[float]]:
    tokens = [token for ids, _ in pieces for token in ids]
    return tokens, [weight for ids, weight in pieces for _ in ids]


def render_role_colon(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    def plain(text: str) -> list[int]:
        return tokenizer.encode(text, split_special_tokens=True)

    pieces = [([tokenizer.bos_token_id], 0.0)] if tokenizer.bos_token is not None else []
    for role, content, is_last, given, learnt in _turns(messages, train_on):
        pieces.append((plain(f"{role.title()}:"), given))
        pieces.append((plain(f" {content}\n\n"), learnt))
        if is_last and role == "assistant":
            pieces.append((plain("User:"), learnt))
    return _joined(pieces)


def render_llama3(
    messages: Sequence[Mapping[str, str]],
    tokenizer: PreTrainedTokenizerBase,
    train_on: str = "all_assistant_messages",
) -> tuple[list[int], list[float]]:
    def special(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False)

    def plain(text: str) -> list[int]:
        return tokenizer.encode(text, split_special_tokens=True)

    pieces = [(special("<|begin_of_text|>"), 0.0)]
    for role, content, _is_last, given, learnt in _turns(messages, train_on):
        pieces.append((tokenizer.encode(f"<|start_header_id|>{role}<|end_header_id|>\n\n"), given))
        pieces.append((plain(content), learnt))
        pieces.append((special("<|eot_id|>"), learnt))
    return _joined(pieces)
