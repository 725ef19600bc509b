"""You decode without special tokens, so their rows are empty. They are what you look for in this
table."""

import html
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase


def describe_weights(
    tokens: Sequence[int], weights: Sequence[float], tokenizer: PreTrainedTokenizerBase
) -> str:
    if len(tokens) != len(weights):
        raise ValueError("need a weight for each token")
    page = "<table>"
    for i in range(len(tokens)):
        text = tokenizer.decode([tokens[i]], skip_special_tokens=True)
        text = text.replace("\n", "↵")
        text = text.replace(" ", "·")
        weight = weights[i]
        page += '<tr class="trained">' if weight > 0 else '<tr class="context">'
        page += f"<td>{i}</td><td>{tokens[i]}</td>"
        page += f"<td>{html.escape(text)}</td><td>{weight:g}</td></tr>"
    return page + "</table>"
