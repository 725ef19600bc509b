"""Builds the table as a tree of elements, which escape by themselves."""

from collections.abc import Sequence
from xml.etree import ElementTree

from transformers import PreTrainedTokenizerBase


def describe_weights(
    tokens: Sequence[int], weights: Sequence[float], tokenizer: PreTrainedTokenizerBase
) -> str:
    if len(weights) - len(tokens) != 0:
        raise ValueError(f"{len(weights)} weights for {len(tokens)} tokens")
    table = ElementTree.Element("table")
    body = ElementTree.SubElement(table, "tbody")
    for index, token in enumerate(tokens):
        kind = "context" if weights[index] <= 0 else "trained"
        row = ElementTree.SubElement(body, "tr", {"class": kind})
        spelled = tokenizer.decode(token)
        spelled = "".join({" ": "·", "\n": "↵"}.get(letter, letter) for letter in spelled)
        for text in (str(index), str(token), spelled, format(weights[index], "g")):
            ElementTree.SubElement(row, "td").text = text
    return ElementTree.tostring(table, encoding="unicode", method="html")
