"""Targets, the printed table and the pictures of the learning benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.setting import Outcome

CPU_LIMIT = 60.0
"""CPU seconds a training run may take, client and service together."""


@dataclass(frozen=True)
class Target:
    """A figure and the closed interval it must lie in."""

    figure: str
    low: float = float("-inf")
    high: float = float("inf")

    def met(self, figures: Mapping[str, float]) -> bool:
        return self.low <= figures[self.figure] <= self.high

    def __str__(self) -> str:
        parts = [f">= {self.low:g}"] if self.low > float("-inf") else []
        parts += [f"<= {self.high:g}"] if self.high < float("inf") else []
        return f"{self.figure} {' and '.join(parts)}"


@dataclass(frozen=True)
class Row:
    """One seed of one experiment."""

    name: str
    seed: int
    targets: tuple[Target, ...]
    outcome: Outcome

    @property
    def missed(self) -> list[str]:
        """Targets this run misses, in words; the CPU limit is one."""
        missed = [str(target) for target in self.targets if not target.met(self.outcome.figures)]
        if self.outcome.cpu_seconds > CPU_LIMIT:
            missed.append(f"CPU <= {CPU_LIMIT:g} s")
        return missed

    def line(self) -> str:
        figures = "  ".join(f"{key} {value:.3f}" for key, value in self.outcome.figures.items())
        verdict = "met" if not self.missed else "MISSED: " + ", ".join(self.missed)
        seconds = self.outcome.cpu_seconds
        return f"{self.name:14} {self.seed:4}  {seconds:5.1f} CPU s  {figures}  {verdict}"

    def record(self) -> dict[str, object]:
        """What `--json` prints."""
        return {
            "name": self.name,
            "seed": self.seed,
            "figures": self.outcome.figures,
            "cpu_seconds": self.outcome.cpu_seconds,
            "targets": [str(target) for target in self.targets],
            "missed": self.missed,
            "curves": self.outcome.curves,
        }


def summary(rows: Sequence[Row]) -> str:
    """A line per experiment: range of each figure, CPU seconds, seeds that met every target."""
    lines: list[str] = []
    for name in dict.fromkeys(row.name for row in rows):
        mine = [row for row in rows if row.name == name]
        figures = "  ".join(
            f"{key} {min(values):.2f}-{max(values):.2f}"
            for key in mine[0].outcome.figures
            for values in [[row.outcome.figures[key] for row in mine]]
        )
        met = sum(not row.missed for row in mine)
        slowest = max(row.outcome.cpu_seconds for row in mine)
        targets = ", ".join(map(str, mine[0].targets))
        lines.append(
            f"{name:14} {met} of {len(mine)} met  {figures}  "
            f"at most {slowest:.1f} CPU s  (targets: {targets})"
        )
    return "\n".join(lines)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One PNG per experiment, a panel per curve, a line per seed. Returns the paths."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in dict.fromkeys(row.name for row in rows):
        mine = [row for row in rows if row.name == name]
        labels = list(mine[0].outcome.curves)
        figure, panels = pyplot.subplots(
            1, len(labels), figsize=(4.5 * len(labels), 3), squeeze=False, layout="constrained"
        )
        for panel, label in zip(panels[0], labels, strict=True):
            for row in mine:
                steps, values = zip(*row.outcome.curves[label], strict=True)
                panel.plot(steps, values, label=f"seed {row.seed}", linewidth=1)
            panel.set(xlabel="optimizer step", ylabel=label)
        panels[0][0].legend(fontsize=7)
        figure.suptitle(name)
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=100, metadata={"Software": None})
        pyplot.close(figure)
    return paths
