"""Lab 5's page: it runs from top to bottom, and it says what was measured."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shared.models import base

from .page import Page

PAGE = Page("lab05_lora_math")
LAB = PAGE.lab
EXERCISES = {
    "lora_parameter_count": 2,
    "LoRALinear": 4,
    "merge": 3,
    "apply_lora": 4,
    "best_rank_k": 3,
    "memory_estimate": 3,
    "break_even": 2,
    "swap_adapter": 3,
    "best_learning_rate": 2,
}
RANKS = (1, 4, 16)
LORA_RATES = ("1e-04", "3e-04", "1e-03", "3e-03", "1e-02", "3e-02")


def measured(part: str) -> Any:
    return json.loads((LAB / "measured.json").read_text("utf-8"))[part]


def test_lab_yml_has_the_exercises_of_the_contract_and_their_points() -> None:
    spec = PAGE.spec
    assert {e.name: e.points for e in spec.exercises} == EXERCISES
    assert {w.name: w.points for w in spec.written} == {"explain_zero_b": 3, "explain_rank_lr": 3}
    assert all(w.rubric for w in spec.written)


def test_the_sources_say_when_they_were_read() -> None:
    assert "2026-11-21" in PAGE.prose.split("## Sources")[1]


def medians() -> dict[str, float]:
    return {run: statistics.median(losses) for run, losses in measured("sweep").items()}


def test_the_numbers_were_measured_on_the_base_model_that_the_kit_holds() -> None:
    weights = (base.folder() / "model.safetensors").read_bytes()
    assert measured("base") == hashlib.sha256(weights).hexdigest(), (
        "The base model has changed: run make_figures.py --measure and read the page again."
    )


def test_every_number_comes_from_five_seeds() -> None:
    runs = {**measured("sweep"), **measured("memory")}
    assert {len(losses) for losses in runs.values()} == {5}


def test_the_learning_rate_decides() -> None:
    for rank in RANKS:
        fall = medians()[f"{rank} 1e-04"] / medians()[f"{rank} 1e-03"]
        assert fall > 100
        assert min(measured("sweep")[f"{rank} 3e-02"]) > 0.6


def test_every_rank_is_best_at_3e_3_and_below_0_03_at_both_good_rates() -> None:
    for rank in RANKS:
        small, large = (measured("sweep")[f"{rank} {rate}"] for rate in ("1e-03", "3e-03"))
        assert max(small + large) < 0.03
        curve = {rate: medians()[f"{rank} {rate}"] for rate in LORA_RATES}
        assert min(curve, key=curve.__getitem__) == "3e-03"


def test_where_training_is_slow_the_ranks_lie_within_3_percent() -> None:
    slow = [medians()[f"{rank} 3e-04"] for rank in RANKS]
    assert max(slow) < 1.03 * min(slow)


def test_full_fine_tuning_is_best_at_a_third_of_3e_3() -> None:
    full = {run: loss for run, loss in medians().items() if run.startswith("0 ")}
    assert min(full, key=full.__getitem__) == "0 1e-03"
    assert max(measured("sweep")["0 1e-03"]) < 0.006


def test_a_tenth_of_3e_2_works_where_lora_fails() -> None:
    full = medians()["0 3e-03"]
    assert full < 0.01
    assert min(medians()[f"{rank} 3e-02"] for rank in RANKS) > 100 * full


def rate_for(loss: float, curve: list[tuple[float, float]]) -> float:
    """The learning rate at which a falling curve passes `loss`, read off on logarithmic axes."""
    for (rate, above), (next_rate, below) in pairwise(curve):
        if above >= loss >= below:
            part = math.log(above / loss) / math.log(above / below)
            return rate * (next_rate / rate) ** part
    raise ValueError(f"the curve never passes {loss}")


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("full_rate", ["3e-05", "1e-04"])  # where the curves fall
def test_full_fine_tuning_needs_four_to_five_times_less(rank: int, full_rate: str) -> None:
    curve = [(float(rate), medians()[f"{rank} {rate}"]) for rate in LORA_RATES[:3]]
    factor = rate_for(medians()[f"0 {full_rate}"], curve) / float(full_rate)
    assert round(factor) in {4, 5}


def test_more_room_memorises_more_and_rank_4_is_almost_enough() -> None:
    memory = measured("memory")
    one, four, sixteen, full = (
        memory[run] for run in ("1 3e-03", "4 3e-03", "16 3e-03", "0 1e-03")
    )
    assert all(a > b > c for a, b, c in zip(one, four, full, strict=True))
    assert all(a > b for a, b in zip(sixteen, full, strict=True))
    assert sum(a > b for a, b in zip(four, sixteen, strict=True)) == 4


def test_the_alternative_texts_say_the_measured_numbers() -> None:
    text = PAGE.prose.replace("\n", " ")
    assert f"Before training it is {measured('untrained'):.1f}." in text
    one, four, sixteen, full = (
        statistics.median(measured("memory")[run])
        for run in ("1 3e-03", "4 3e-03", "16 3e-03", "0 1e-03")
    )
    assert f"Rank 1 reaches {one:.2f}, rank 4 reaches {four:.2f}, rank 16 reaches" in text
    assert f"{sixteen:.2f}, and training all parameters reaches {full:.2f}." in text
    assert {round(medians()[f"{rank} 1e-04"], 1) for rank in RANKS} <= {2.3, 2.4}
    assert {round(medians()[f"{rank} 3e-04"], 2) for rank in RANKS} <= {0.56, 0.57}
    assert {round(medians()[f"{rank} 1e-03"], 2) for rank in RANKS} <= {0.01, 0.02}
    assert all(medians()[f"{rank} 3e-03"] < 0.0035 for rank in RANKS)
    assert all(medians()[f"{rank} 1e-02"] < 0.0105 for rank in RANKS)
    assert all(medians()[f"{rank} 3e-02"] > 1.5 for rank in RANKS)
    assert f"lowest at 1e-3, at {medians()['0 1e-03']:.3f}, and still at" in text
    assert f"still at {medians()['0 3e-03']:.3f} at 3e-3." in text


def test_the_stored_figures_are_what_the_measured_numbers_give(tmp_path: Path) -> None:
    copy = tmp_path / LAB.name
    copy.mkdir()
    for name in ("make_figures.py", "measured.json", "notebook.py"):
        shutil.copy(LAB / name, copy)
    subprocess.run([sys.executable, copy / "make_figures.py"], check=True, timeout=120)
    drawn = {path.name: path.read_bytes() for path in (copy / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (LAB / "figures").iterdir()}
