"""Figures of the site that are drawn from files: the base model's pretraining loss, as inline SVG.

No plotting library: an SVG of the page's own takes its colour and needs no request.
"""

from __future__ import annotations

import csv
from pathlib import Path

WIDTH, HEIGHT = 560, 250
LEFT, TOP, RIGHT, BOTTOM = 40, 12, 548, 206
POINTS = 140


def loss_curve(path: Path) -> str:
    """The recorded losses, averaged to `POINTS` points; a sentence where there is no record."""
    if not path.exists():
        return "*The loss curve of these weights is not recorded yet.*"
    with path.open(newline="", encoding="utf-8") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    size = max(1, len(losses) // POINTS)
    means = [sum(part) / len(part) for part in chunks(losses, size)]
    top = float(int(max(means)) + 1)
    line = " ".join(
        f"{across((index + 0.5) * size / len(losses)):.1f},{up(loss / top):.1f}"
        for index, loss in enumerate(means)
    )
    marks = [tick_up(value, top) for value in range(int(top) + 1)]
    marks += [tick_across(share, round(share * len(losses))) for share in (0, 0.25, 0.5, 0.75, 1)]
    words = f"The loss falls from {losses[0]:.2f} to {means[-1]:.2f} in {len(losses):,} steps."
    return (
        f'<figure>\n<svg role="img" aria-labelledby="loss-title" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" fill="none" stroke="currentColor" font-size="12">\n'
        f'<title id="loss-title">{words}</title>\n'
        f'{"".join(marks)}\n<polyline stroke-width="2" points="{line}"/>\n'
        f'<text x="294" y="{BOTTOM + 38}" fill="currentColor" stroke="none" text-anchor="middle">'
        "optimizer steps</text>\n</svg>\n"
        f"<figcaption>Pretraining loss in nats a token, means over {size} steps. {words}"
        "</figcaption>\n</figure>"
    )


def chunks(values: list[float], size: int) -> list[list[float]]:
    """The values in groups of `size`, the last one maybe smaller."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def across(share: float) -> float:
    """Where a share of the steps lies."""
    return LEFT + min(share, 1.0) * (RIGHT - LEFT)


def up(share: float) -> float:
    """Where a share of the highest loss lies."""
    return BOTTOM - share * (BOTTOM - TOP)


def tick_up(value: int, top: float) -> str:
    """A thin line with its loss."""
    y = up(value / top)
    return (
        f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke-opacity="0.2"/><text x="{LEFT - 8}" '
        f'y="{y + 4:.1f}" fill="currentColor" stroke="none" text-anchor="end">{value}</text>'
    )


def tick_across(share: float, step: int) -> str:
    """A step's number below the axis."""
    return (
        f'<text x="{across(share):.1f}" y="{BOTTOM + 18}" fill="currentColor" stroke="none" '
        f'text-anchor="{"end" if share == 1 else "middle"}">{step:,}</text>'
    )
