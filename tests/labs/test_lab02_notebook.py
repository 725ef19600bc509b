"""Lab 2's page: it runs from top to bottom, and what it says is so."""

from __future__ import annotations

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

from .page import Page, check_passes, shown

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


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The reference notebook after "run all", beside a copy of the released lab."""
    return PAGE.executed(tmp_path_factory.mktemp("work"), timeout=600)


@pytest.mark.slow
def test_every_check_of_the_reference_passes(executed: Any) -> None:
    for name in EXERCISES:
        assert check_passes(executed, name)


@pytest.mark.slow
def test_one_step_lowers_the_loss_of_the_worked_example(executed: Any) -> None:
    before = float(shown(executed, "summed loss").split()[-1])
    after = float(shown(executed, '"after one step"').split()[-1])
    assert after < before


@pytest.mark.slow
def test_pig_latin_is_learnt_on_the_page(executed: Any) -> None:
    text = shown(executed, "def share_right")
    shares = {int(s): int(p) for s, p in re.findall(r"after +(\d+) steps +(\d+)%", text)}
    assert shares[0] == 0
    assert list(shares.values())[-1] >= 80
    assert re.findall(r"after '(\w+)'", shown(executed, "other!r}"))


@pytest.mark.slow
def test_the_bar_comes_to_its_end(executed: Any) -> None:
    text = shown(executed, 'run("pig_latin"')
    assert text.count("\r") > 100
    assert re.search(r"\[#{20}\] step (\d+) of \1 ", text)


@pytest.mark.slow
def test_a_run_that_was_interrupted_goes_on_with_the_same_losses(executed: Any) -> None:
    text = shown(executed, "class PowerCut")
    pairs = re.findall(r"step (\d): in one go (\S+), resumed (\S+)", text)
    assert [step for step, _, _ in pairs] == ["4", "5", "6", "7"]
    assert all(whole == resumed for _, whole, resumed in pairs)


@pytest.mark.slow
def test_the_cookbook_reads_what_the_run_wrote(executed: Any) -> None:
    assert "[0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8]" in shown(executed, "TrainingRunStore")


@pytest.mark.slow
def test_the_distilled_model_behaves_without_its_prompt(executed: Any) -> None:
    text = shown(executed, "distil_prompt(teacher)")
    saved = re.search(r"(\d+) tokens saved", text)
    assert saved is not None
    assert int(saved[1]) > 50
    assert text.count("Arr! ") == text.count(", matey!") == 4


@pytest.mark.slow
def test_what_was_not_trained_is_forgotten(executed: Any) -> None:
    text = shown(executed, "OTHER_TASKS =")
    rows = {
        task: (float(before), float(after))
        for task, before, after in re.findall(r"(\w+) +before (\S+) +after (\S+)", text)
    }
    assert set(rows) == {"sums", "repeat", "spell", "mean"}
    assert all(before > 0.7 and after < 0.3 for before, after in rows.values())


@pytest.mark.slow
def test_curves_are_figures_with_the_numbers_in_their_text(executed: Any) -> None:
    cells = [c for c in executed.cells if c.cell_type == "code" and "curves_figure(" in c.source]
    pages = [
        str(output.get("data", {}).get("text/html", "")) for c in cells for output in c.outputs
    ]
    labels = [m[1] for page in pages if (m := re.search(r'role="img" aria-label="([^"]+)"', page))]
    assert len(labels) == 2
    assert re.search(r"exact match from 0\.00 to (0\.[89]|1)", labels[0])
    ends = [float(end) for end in re.findall(r"from \S+ to (\d\.\d\d)", labels[1])]
    assert len(ends) == 3
    assert ends[2] == max(ends)


@pytest.mark.slow
def test_the_price_is_shown_before_the_first_long_run_and_spends_nothing(executed: Any) -> None:
    sources = [c.source for c in executed.cells]
    preview = next(n for n, source in enumerate(sources) if "preview_cost(" in source)
    assert preview < next(n for n, source in enumerate(sources) if 'run("pig_latin"' in source)
    text = shown(executed, "preview_cost(")
    assert str(read_prices().as_of) in text
    usd = re.search(r"together +(\S+) USD", text)
    assert usd is not None
    assert 0 < float(usd[1]) < 1
