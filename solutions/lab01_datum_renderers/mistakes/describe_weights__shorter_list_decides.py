"""When there are more tokens than weights, or fewer, you leave the rest out without a word. Raise
ValueError: one of the two lists is wrong."""

import html
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase


def describe_weights(
    tokens: Sequence[int], weights: Sequence[float], tokenizer: PreTrainedTokenizerBase
) -> str:
    page = "<table>"
    for i in range(min(len(tokens), len(weights))):
        text = tokenizer.decode([tokens[i]])
        text = text.replace("\n", "↵")
        text = text.replace(" ", "·")
        weight = weights[i]
        page += '<tr class="trained">' if weight > 0 else '<tr class="context">'
        page += f"<td>{i}</td><td>{tokens[i]}</td>"
        page += f"<td>{html.escape(text)}</td><td>{weight:g}</td></tr>"
    return page + "</table>"
