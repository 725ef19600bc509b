"""You leave a line break a line break, and its cell looks empty. Show it as ↵."""

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
        text = tokenizer.decode([tokens[i]])
        text = text.replace(" ", "·")
        weight = weights[i]
        page += '<tr class="trained">' if weight > 0 else '<tr class="context">'
        page += f"<td>{i}</td><td>{tokens[i]}</td>"
        page += f"<td>{html.escape(text)}</td><td>{weight:g}</td></tr>"
    return page + "</table>"
