"""Collects pieces with a weight each and joins them at the end."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase


def render_chatml(
    messages: Sequence[Mapping[str, str]], tokenizer: PreTrainedTokenizerBase, train_on: str
) -> tuple[list[int], list[float]]:
    roles = TRAINED_ROLES.get(train_on)
    if roles is None:
        raise ValueError(f"there is no train_on {train_on!r}")
    (end,) = tokenizer.encode("<|im_end|>", add_special_tokens=False)
    last = len(messages) - 1
    pieces: list[tuple[list[int], float]] = []
    for n, (role, content) in enumerate((m["role"], m["content"]) for m in messages):
        if role not in ROLES:
            raise ValueError(f"nobody is called {role!r}")
        before = "" if n == 0 else "\n"
        head = tokenizer.encode(f"{before}<|im_start|>{role}\n", add_special_tokens=False)
        body = tokenizer.encode(content, add_special_tokens=False, split_special_tokens=True)
        learn = role in roles
        if train_on == "last_assistant_message":
            learn = learn and n == last
        pieces.append((head, float(train_on == "all_tokens")))
        pieces.append((body, float(learn)))
        pieces.append(([end], float(learn)))
    tokens = [token for ids, _ in pieces for token in ids]
    weights = [weight for ids, weight in pieces for _ in ids]
    return tokens, weights
