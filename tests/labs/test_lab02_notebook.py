"""Lab 2's page: it runs from top to bottom, and what it says is so."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.models import base
from shared.tinker.prices import read_prices

from .page import Page

PAGE = Page("lab02_sl_loop")
LAB = PAGE.lab
EXERCISES = {
    "weighted_nll": 3,
    "lora_learning_rate": 2,
    "lr_schedule": 3,
    "train_step": 4,
    "batches": 3,
    "train": 6,
    "pig_latin_dataset": 2,
    "distil_prompt": 3,
    "keep_example": 3,
    "general_skill": 3,
}
MEASURED = json.loads((LAB / "measured.json").read_text(encoding="utf-8"))


def test_lab_yml_has_the_exercises_of_the_contract_and_their_points() -> None:
    spec = PAGE.spec
    assert {e.name: e.points for e in spec.exercises} == EXERCISES
    assert {w.name: w.points for w in spec.written} == {
        "explain_pipelining": 3,
        "explain_held_out": 3,
    }
    assert all(w.rubric for w in spec.written)


def test_what_was_measured_is_of_the_base_model_of_today() -> None:
    weights = (base.folder() / "model.safetensors").read_bytes()
    assert MEASURED["base"] == hashlib.sha256(weights).hexdigest(), (
        "The base model has changed: run make_figures.py --measure and read the page again."
    )


def test_the_stored_figures_are_what_the_measured_numbers_give(tmp_path: Path) -> None:
    for name in ("make_figures.py", "measured.json"):
        shutil.copy(LAB / name, tmp_path)
    subprocess.run([sys.executable, tmp_path / "make_figures.py"], check=True, timeout=300)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (LAB / "figures").iterdir()}


def test_pig_latin_is_learnt_with_every_seed() -> None:
    runs = MEASURED["pig_latin"].values()
    assert len(runs) == 5
    assert all(run["exact"]["0"] == 0.0 for run in runs)
    assert all(list(run["exact"].values())[-1] >= 0.8 for run in runs)


def test_words_come_right_after_most_of_the_loss_is_gone() -> None:
    """What the page's first answer says."""
    for run in MEASURED["pig_latin"].values():
        assert run["loss"]["5"] < run["loss"]["0"] / 3
        assert run["exact"]["5"] <= 1 / 60 + 1e-3
        half = min(int(step) for step, share in run["exact"].items() if share >= 0.5)
        assert 15 < half <= 30


def test_the_table_of_batch_sizes_is_what_was_measured() -> None:
    rows = re.findall(r"^\| (\d) \| (\S+) \| (\S+) \| (\S+) \|$", PAGE.prose, re.MULTILINE)
    assert {row[0]: list(row[1:]) for row in rows} == {
        seed: [f"{loss:.2f}" for loss in by_size.values()]
        for seed, by_size in MEASURED["sizes"].items()
    }
    ends = [tuple(by_size.values()) for by_size in MEASURED["sizes"].values()]
    assert all(large == max(small, middle, large) for small, middle, large in ends)
    assert sum(small == min(small, middle, large) for small, middle, large in ends) == 4


def test_the_sources_and_the_price_have_a_date() -> None:
    sources = PAGE.prose.split("## Sources")[1]
    assert "2026-11-24" in sources
    assert f"{read_prices().as_of:%B %Y}" in sources


def test_every_long_cell_shows_its_progress() -> None:
    """All training but the worked example goes through `run` and its bar."""
    cells = [c.source for c in PAGE.source.cells if "demo" in c.metadata.get("tags", [])]
    training = [source for source in cells if "TrainConfig(" in source and "train" in source]
    assert training
    assert all("run(" in source for source in training)


def test_each_line_of_a_run_moves_its_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = (n for n in ast.parse(PAGE.code).body if getattr(n, "name", "") == "Shown")
    names: dict[str, Any] = {"json": json, "sys": sys, "Path": Path}
    exec(ast.unparse(shown), names)
    bar = names["Shown"](tmp_path / "metrics.jsonl", 40)
    with bar.file:
        for step in range(40):
            bar.write(json.dumps({"step": step, "train_mean_nll": 4 / (step + 1)}) + "\n")
        bar.write(json.dumps({"step": 40, "test/nll": 0.1}) + "\n")
    nothing, *bars = capsys.readouterr().out.split("\r")
    assert nothing == ""
    assert [line.count("#") for line in bars] == [(step + 1) // 2 for step in range(40)] + [20]
    assert len({*map(len, bars)}) <= 2  # what was longer is written over
    assert bars[-1].rstrip().endswith("step 40 of 40  done")
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 41
