"""Draw Lab 5's stored figures from its own notebook: `python make_figures.py [--measure]`.

Without --measure the numbers come from measured.json, so that the same files come out on every
machine. With it the sweep and the memorising runs are repeated first, on the base model that the
kit holds now, one thread and some minutes of CPU time.
"""

import argparse
import ast
import hashlib
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

HERE = Path(__file__).resolve().parent
MEASURED = HERE / "measured.json"
SEEDS = range(5)
MEMORY_RATES = {1: 3e-3, 4: 3e-3, 16: 3e-3, 0: 1e-3}  # rank to learning rate; 0 is "all"
DARK, LIGHT = "0.25", "0.88"
STYLE = {
    "svg.hashsalt": "lab05",
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def notebook_definitions(without: tuple[str, ...] = ()) -> dict:
    """The notebook's imports, functions, classes and constants, without running its cells.

    Imports from the packages named in `without` are left out: they take seconds.
    """
    tree = ast.parse((HERE / "notebook.py").read_text(encoding="utf-8"))
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    tree.body = [
        node
        for node in tree.body
        if (isinstance(node, kept) or is_constant(node))
        and getattr(node, "module", None) not in without
    ]
    names: dict = {"__name__": "lab05_notebook"}
    exec(compile(tree, "notebook.py", "exec"), names)
    names["torch"].set_num_threads(1)
    return names


def is_constant(node: ast.stmt) -> bool:
    """Whether the statement assigns to capital letters only."""
    if not isinstance(node, ast.Assign):
        return False
    names = [name.id for name in ast.walk(node.targets[0]) if isinstance(name, ast.Name)]
    return all(name.isupper() for name in names)


def load(lab: dict) -> None:
    """Make the globals that the notebook's functions work on, as its cell does."""
    lab["tokenizer"], lab["base"] = lab["load_base"]()
    lab["test_words"] = lab["new_words"](lab["TESTED"], lab["random"].Random("test"))


def fingerprint() -> str:
    """SHA-256 of the base model's weights: measured numbers are numbers of these weights."""
    from shared.models import base

    return hashlib.sha256((base.folder() / "model.safetensors").read_bytes()).hexdigest()


def measure(lab: dict, seeds: Iterable[int] = SEEDS) -> dict:
    """Final losses of every run: {"sweep" or "memory": {"rank rate": one loss for each seed}}."""
    start = time.process_time()
    load(lab)
    untrained = round(lab["test_loss"](lab["base"]), 5)
    results: dict = {"base": fingerprint(), "untrained": untrained, "sweep": {}, "memory": {}}
    for seed in seeds:
        for (rank, rate), loss in lab["sweep"]((*lab["RANKS"], 0), lab["RATES"], seed).items():
            results["sweep"].setdefault(f"{rank} {rate:.0e}", []).append(round(loss, 5))
        for rank, rate in MEMORY_RATES.items():
            loss = lab["memorise"](rank, rate, seed)
            results["memory"].setdefault(f"{rank} {rate:.0e}", []).append(round(loss, 5))
    print(f"measured in {time.process_time() - start:.0f} s of CPU time")
    return results


def by_run(losses: dict[str, list[float]]) -> dict[tuple[int, float], list[float]]:
    """{"4 1e-03": ...} as {(4, 0.001): ...}."""
    split = {run: run.split() for run in losses}
    return {(int(rank), float(rate)): losses[run] for run, (rank, rate) in split.items()}


def save(figure, name: str) -> None:
    """Write figures/NAME.svg with the same bytes every time."""
    folder = HERE / "figures"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def draw_adapter() -> None:
    """A frozen weight with its two thin neighbours."""
    figure, axes = plt.subplots(figsize=(6.6, 3.3), layout="constrained")
    axes.set(xlim=(0.4, 10.6), ylim=(-0.5, 4.75), aspect="equal")
    axes.axis("off")
    strip = 8 * 32 / 4096 * 3  # eight times too thick, as the caption says
    for corner, width, height, shade in [
        ((0.6, 0.8), 3, 3, LIGHT), ((5.4, 0.8), 3, strip, DARK), ((6.81, 1.6), strip, 2.2, DARK),
    ]:  # fmt: skip
        axes.add_patch(Rectangle(corner, width, height, facecolor=shade, edgecolor="black"))
    axes.text(2.1, 2.3, "W\n4096 × 4096\nfrozen\n16,777,216", ha="center", va="center")
    axes.text(8.6, 0.8 + strip / 2, "A, 32 × 4096", va="center")
    axes.text(7.2, 2.7, "B, 4096 × 32", va="center")
    axes.text(8.6, 1.75, "A and B are trained:\n262,144", va="center")
    line = {"color": "black", "linewidth": 1}
    arrow = {"arrowprops": {"arrowstyle": "->", **line}}
    axes.plot([2.1, 2.1, 6.9, 6.9], [0.25, 0.1, 0.1, 0.25], **line)
    axes.text(4.5, -0.1, "x", ha="center", va="top", style="italic")
    for x, low, high in [(2.1, 0.2, 0.8), (6.9, 0.2, 0.8), (6.9, 0.8 + strip, 1.6)]:
        axes.annotate("", (x, high), (x, low), **arrow)
    axes.annotate("", (4.3, 4.2), (2.1, 4.2), **arrow)
    axes.annotate("", (4.7, 4.2), (6.9, 4.2), **arrow)
    axes.plot([2.1, 2.1], [3.8, 4.2], **line)
    axes.plot([6.9, 6.9], [3.8, 4.2], **line)
    axes.text(5.8, 4.3, "× α / r", ha="center", va="bottom")
    axes.text(4.5, 4.2, "+", ha="center", va="center", fontsize=13)
    axes.annotate("y", (4.5, 4.3), (4.5, 4.75), ha="center", style="italic",
                  arrowprops={"arrowstyle": "<-", **line})  # fmt: skip
    save(figure, "adapter")


def draw_memory(lab: dict) -> None:
    """Gigabytes of three ways to train 8 billion parameters, from the lab's own formula."""
    estimate, adapter = lab["memory_estimate"], 87_000_000
    plans = {
        "LoRA,\nbase in 4 bits": estimate(8_000_000_000, adapter, frozen_bytes=0.5),
        "LoRA,\nbase in bfloat16": estimate(8_000_000_000, adapter),
        "full fine-tuning,\nbfloat16": estimate(0, 8_000_000_000),
    }
    looks = {"weights": (LIGHT, ""), "gradients": ("white", "////"), "optimizer": ("0.45", "")}
    figure, axes = plt.subplots(figsize=(6.2, 2.3), layout="constrained")
    left = [0.0] * len(plans)
    for part, (color, hatch) in looks.items():
        sizes = [plan[part] / 1e9 for plan in plans.values()]
        axes.barh(list(plans), sizes, left=left, height=0.6, color=color, edgecolor="black",
                  linewidth=0.7, hatch=hatch, label=part)  # fmt: skip
        left = [start + size for start, size in zip(left, sizes, strict=True)]
    for row, total in enumerate(left):
        axes.text(total + 1.5, row, f"{total:.1f}", va="center")
    axes.set(xlabel="GB, without activations", xlim=(0, 142))
    axes.legend(frameon=False, loc="lower right")
    save(figure, "memory")


def draw_sweep(losses: dict[tuple[int, float], list[float]], untrained: float) -> None:
    """Loss against learning rate, one line a rank: median and range over the seeds."""
    figure, axes = plt.subplots(figsize=(6.2, 3.7), layout="constrained")
    looks = {1: ("o", ":"), 4: ("s", "--"), 16: ("^", "-"), 0: ("D", "-")}
    for place, (rank, (marker, line)) in enumerate(looks.items()):
        rates = sorted(rate for r, rate in losses if r == rank)
        values = np.array([losses[rank, rate] for rate in rates])
        middle = np.median(values, axis=1)
        ends = np.abs(np.stack([values.min(axis=1), values.max(axis=1)]) - middle)
        beside = np.array(rates) * 1.05 ** (place - 1.5)  # or the ranges would hide one another
        label = f"LoRA, rank {rank}" if rank else "full fine-tuning"
        axes.errorbar(beside, middle, ends, marker=marker, linestyle=line, label=label,
                      color="black" if rank else "0.55", markerfacecolor="white", capsize=2,
                      elinewidth=0.7)  # fmt: skip
    axes.axhline(untrained, color="0.7", linewidth=0.8)
    axes.text(1e-5, untrained * 1.1, "before training", color="0.4", fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss on new words")
    axes.legend(frameon=False, fontsize=8)
    save(figure, "sweep")


def draw_capacity(losses: dict[tuple[int, float], list[float]]) -> None:
    """Loss of memorising random pairs: one dot a seed, a bar for the median."""
    figure, axes = plt.subplots(figsize=(5.2, 3.0), layout="constrained")
    labels = {1: "rank 1", 4: "rank 4", 16: "rank 16", 0: "all parameters"}
    for place, (rank, label) in enumerate(labels.items()):
        values = losses[rank, MEMORY_RATES[rank]]
        axes.plot([place - 0.25, place + 0.25], [sorted(values)[len(values) // 2]] * 2, color="0.5",
                  linewidth=3)  # fmt: skip
        offsets = [place + 0.05 * (n - (len(values) - 1) / 2) for n in range(len(values))]
        axes.plot(offsets, values, "o", color="black", markersize=4)
        labels[rank] = label
    guessing = 6 / 7 * math.log(26)  # six letters and an end that is always there
    axes.axhline(guessing, color="0.7", linewidth=0.8)
    axes.text(3.45, guessing - 0.05, "guessing", color="0.4", ha="right", va="top", fontsize=8)
    axes.set_xticks(range(len(labels)), labels.values())
    axes.set(ylabel="loss on the learnt pairs", ylim=(-0.08, 3.0), xlim=(-0.5, 3.5))
    save(figure, "capacity")


def main() -> None:
    """Measure if asked to, then draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="run the sweeps again first")
    measuring = parser.parse_args().measure
    lab = notebook_definitions(without=() if measuring else ("peft", "transformers"))
    if measuring:
        MEASURED.write_text(json.dumps(measure(lab), indent=1) + "\n", encoding="utf-8")
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    with plt.rc_context(STYLE):
        draw_adapter()
        draw_memory(lab)
        draw_sweep(by_run(measured["sweep"]), measured["untrained"])
        draw_capacity(by_run(measured["memory"]))


if __name__ == "__main__":
    main()
