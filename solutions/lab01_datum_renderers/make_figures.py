"""Draw Lab 1's stored figure from its own tokenizer: `python make_figures.py`.

The same files come out on every machine; nothing is measured.
"""

from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from shared.models.tokenizers import tiny_tokenizer

HERE = Path(__file__).resolve().parent
DARK, LIGHT = "0.25", "0.9"
STYLE = {"svg.hashsalt": "lab01", "svg.fonttype": "path", "font.size": 8}
PARTS = (  # text and weight
    ("<|im_start|>user\n", 0), ("What is 2 + 3?", 0), ("<|im_end|>", 0),
    ("\n<|im_start|>assistant\n", 0), ("5", 1), ("<|im_end|>", 1),
)  # fmt: skip


def boxes() -> list[tuple[str, int]]:
    """Each token of the chat as a reader sees it, with its weight."""
    tokenizer = tiny_tokenizer()
    found = []
    for text, weight in PARTS:
        for token in tokenizer.encode(text, add_special_tokens=False):
            shown = tokenizer.decode([token]).replace(" ", "·").replace("\n", "↵")
            found.append((shown.replace("<|", "").replace("|>", ""), weight))
    return found


def row(axes, y: float, cells: list[tuple[str, int]], widths: list[float]) -> None:
    """One row of boxes, dark where the weight is 1."""
    x = 0.0
    for (text, weight), width in zip(cells, widths, strict=True):
        shade = DARK if weight else LIGHT
        axes.add_patch(Rectangle((x, y), width - 0.1, 0.8, facecolor=shade, edgecolor="0.5"))
        colour = "white" if weight else "black"
        axes.text(x + (width - 0.1) / 2, y + 0.4, text, ha="center", va="center", color=colour)
        x += width


def draw_datum() -> None:
    """What is read above what is guessed, one place below the other."""
    tokens = boxes()
    read = [(text, 0) for text, _ in tokens[:-1]]
    pairs = list(pairwise(text for text, _ in tokens))
    widths = [0.5 + 0.19 * max(len(one), len(other)) for one, other in pairs]
    figure, axes = plt.subplots(figsize=(9.2, 1.5), layout="constrained")
    axes.set(xlim=(-1.6, sum(widths) + 0.1), ylim=(-0.2, 2.3))
    axes.axis("off")
    axes.text(-0.2, 1.7, "reads", ha="right", va="center")
    axes.text(-0.2, 0.5, "guesses", ha="right", va="center")
    row(axes, 1.3, read, widths)
    row(axes, 0.1, tokens[1:], widths)
    folder = HERE / "figures"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / "datum.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main() -> None:
    """Draw the figure."""
    with plt.rc_context(STYLE):
        draw_datum()


if __name__ == "__main__":
    main()
