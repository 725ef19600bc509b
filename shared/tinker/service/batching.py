"""Split a call's sequences into micro-batches of like length, so that little is padded.

Sums over tokens do not depend on the split, but for rounding. Plain arithmetic; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

START_COST = 128
"""What starting a micro-batch costs, in tokens' worth of work."""


def micro_batches(lengths: Sequence[int], *, budget: int) -> list[list[int]]:
    """Indices of the sequences, grouped; within a group padding goes to its longest.

    Sequences are taken from short to long. A group ends when its padded size would pass `budget`
    tokens, or when padding it to the next length costs more than starting anew. A sequence longer
    than the budget stands alone. The same lengths always give the same groups.
    """
    groups: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        length = lengths[index]
        fits = bool(groups) and (len(groups[-1]) + 1) * length <= budget
        if fits and len(groups[-1]) * (length - width) <= START_COST:
            groups[-1].append(index)
        else:
            groups.append([index])
        width = length
    return groups
