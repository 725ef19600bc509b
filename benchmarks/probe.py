"""Does a hidden state know whether an answer is right? A probe, and the controls it must beat.

    python benchmarks/probe.py FOLDER ... [--answers 3000] [--seed 0] [--json]

For each model folder: answers of one style to sums of one difficulty, then the AUROC for
correctness, on a third held out, of a logistic probe at each layer and of four controls: surface
features, all digits one-hot, the same probe on shuffled labels, and the answer's mean
log-probability. Layer 0 is the embedding of the last token, the same in every row, hence 0.5.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from experiments.answers import POSITIONS, Answers, last_states, load, sample_answers
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PROBE_TARGET, SURFACE_LIMIT = 0.75, 0.65
STRENGTHS = (0.001, 0.01, 0.1)
"""Inverse L2 penalties; the best on the validation third is used."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Split:
    """Row numbers: half to fit, a sixth to choose layer and penalty, a third to test."""

    fit: NDArray[np.int64]
    choose: NDArray[np.int64]
    test: NDArray[np.int64]


def split(number: int, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(number)
    return Split(*np.split(order, [number // 2, number * 2 // 3]))


def auroc(features: Floats, labels: NDArray[np.bool_], rows: Split) -> tuple[float, float]:
    """(on the rows that choose the penalty, on the test rows) for a logistic regression."""
    scores: list[tuple[float, float]] = []
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        model.fit(features[rows.fit], labels[rows.fit])
        chosen, test = (
            float(roc_auc_score(labels[part], model.decision_function(features[part])))
            for part in (rows.choose, rows.test)
        )
        scores.append((chosen, test))
    return max(scores)


def surface(answers: Answers) -> Floats:
    """Sizes of the operands and of the answer, the carry's size, the answer's length."""
    a, b = answers.operands.T
    given = np.array([int(text) for text in answers.given])
    lengths = np.array([len(text) for text in answers.given])
    ones = a % 10 + b % 10
    columns = [a, b, a + b, np.abs(a - b), ones, lengths, np.minimum(given, 999)]
    return np.stack(columns, 1).astype(float)


def digits(answers: Answers) -> Floats:
    """Every digit of question and answer, one-hot; a linear model cannot add with them."""
    texts = [
        f"{a}{b}{text[:3]:>3}"
        for (a, b), text in zip(answers.operands.tolist(), answers.given, strict=True)
    ]
    alphabet = " 0123456789"
    return np.array(
        [[char == other for char in text for other in alphabet] for text in texts], float
    )


def examine(folder: Path, number: int, seed: int) -> dict[str, Any]:
    """All figures of one model."""
    torch.set_num_threads(1)
    model, tokenizer = load(folder)
    answers = sample_answers(model, tokenizer, number, seed)
    rows = split(number, seed)
    labels = answers.correct
    shuffled = np.random.default_rng(seed + 1).permutation(labels)
    result: dict[str, Any] = {
        "model": folder.name,
        "answers": number,
        "test_answers": len(rows.test),
        "share_correct": float(labels.mean()),
        "surface": auroc(surface(answers), labels, rows)[1],
        "digits": auroc(digits(answers), labels, rows)[1],
        "mean_logprob": float(roc_auc_score(labels[rows.test], answers.logprob[rows.test])),
        "positions": {},
    }
    for name, read in POSITIONS.items():
        states = last_states(model, read(tokenizer, answers))
        layers = [auroc(states[:, layer], labels, rows) for layer in range(states.shape[1])]
        best = max(range(len(layers)), key=lambda layer: layers[layer][0])
        result["positions"][name] = {
            "layers": [test for _, test in layers],
            "chosen_layer": best,
            "auroc": layers[best][1],
            "shuffled": auroc(states[:, best], shuffled, rows)[1],
        }
    control = max(result["surface"], result["digits"])
    result["survives"] = control <= SURFACE_LIMIT and any(
        place["auroc"] >= PROBE_TARGET for place in result["positions"].values()
    )
    return result


def table(result: dict[str, Any]) -> str:
    lines = [
        f"{result['model']}: {result['answers']} answers, {result['share_correct']:.2f} right; "
        f"AUROC on {result['test_answers']} held out",
        f"  surface {result['surface']:.3f}   digits one-hot {result['digits']:.3f}   "
        f"mean logprob {result['mean_logprob']:.3f}",
    ]
    for name, place in result["positions"].items():
        layers = " ".join(f"{value:.2f}" for value in place["layers"])
        lines.append(
            f"  {name:24} layers {layers}   chosen layer {place['chosen_layer']}: "
            f"{place['auroc']:.3f}   shuffled {place['shuffled']:.3f}"
        )
    verdict = "survives its controls" if result["survives"] else "does not survive its controls"
    return "\n".join([*lines, f"  the probe {verdict}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--answers", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [
        examine(folder, options.answers, options.seed)
        for folder in track(options.folders, "probing", console=Console(stderr=True))
    ]
    print(json.dumps(results, indent=1) if options.json else "\n\n".join(map(table, results)))
    return 0 if any(result["survives"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
