"""Shorter list decides, written differently."""

from collections.abc import Sequence
from xml.sax import saxutils

from transformers import PreTrainedTokenizerBase

VISIBLE = str.maketrans({" ": "·", "\n": "↵"})


def describe_weights(
    tokens: Sequence[int], weights: Sequence[float], tokenizer: PreTrainedTokenizerBase
) -> str:
    rows = []
    for row in zip(range(len(tokens)), tokens, weights, strict=False):
        place, token, weight = row
        text = tokenizer.decode([token]).translate(VISIBLE)
        cells = [place, token, saxutils.escape(text), format(weight, "g")]
        kind = ("context", "trained")[weight > 0]
        filled = "".join(f"  <td>{cell}</td>\n" for cell in cells)
        rows.append(f"<tr class='{kind}'>\n{filled}</tr>")
    return "<table class='tokens'>\n" + "\n".join(rows) + "\n</table>\n"
