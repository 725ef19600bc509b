"""Lab 5's page: it runs from top to bottom, and it says what was measured."""

from __future__ import annotations

import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from autograder.lab import load_spec

LAB = Path(__file__).resolve().parents[2] / "solutions" / "lab05_lora_math"
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


@cache
def source() -> Any:
    return jupytext.read(LAB / "notebook.py")


def prose() -> str:
    return "\n\n".join(cell.source for cell in source().cells if cell.cell_type == "markdown")


def measured(part: str) -> dict[str, list[float]]:
    return json.loads((LAB / "measured.json").read_text("utf-8"))[part]


def test_lab_yml_has_the_exercises_of_the_contract_and_their_points() -> None:
    spec = load_spec(LAB)
    assert {e.name: e.points for e in spec.exercises} == EXERCISES
    assert {w.name: w.points for w in spec.written} == {"explain_zero_b": 3, "explain_rank_lr": 3}
    assert all(w.rubric for w in spec.written)


def test_every_exercise_points_to_its_hint_and_its_check() -> None:
    text, code = prose(), "\n".join(c.source for c in source().cells if c.cell_type == "code")
    for name in EXERCISES:
        assert f"`labkit hint lab05 {name}`" in text
        assert f'check("{name}")' in code


def test_the_page_says_the_minutes_of_lab_yml() -> None:
    spec = load_spec(LAB)
    assert f"**{spec.minutes} minutes," in prose()
    assert sum(e.minutes for e in spec.exercises) <= spec.minutes


def test_every_exercise_says_its_points_and_minutes() -> None:
    stated = re.findall(r"## Exercise (\d): .*\n\n\*(\d+) points, about (\d+) minutes", prose())
    spec = load_spec(LAB)
    expected = [(n, e.points, e.minutes) for n, e in enumerate(spec.exercises, 1)]
    assert [tuple(map(int, one)) for one in stated] == expected


def test_every_figure_exists_and_has_a_text_in_its_place() -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", prose())
    stored = {f"figures/{path.name}" for path in (LAB / "figures").iterdir()}
    assert {path for _, path in images} == stored
    assert [path for text, path in images if len(text) < 60] == []


def test_the_sources_say_when_they_were_read() -> None:
    assert "2026-11-21" in prose().split("## Sources")[1]


def test_at_the_best_rate_ranks_4_and_16_end_below_0_003_on_every_seed() -> None:
    sweep = measured("sweep")
    for rank in (4, 16):
        medians = {r: statistics.median(v) for r, v in sweep.items() if r.split()[0] == str(rank)}
        assert min(medians, key=medians.__getitem__) == f"{rank} 3e-03"
        assert max(sweep[f"{rank} 3e-03"]) < 0.003


def test_rank_1_fails_on_two_seeds_at_its_best_rate() -> None:
    stuck = sorted(measured("sweep")["1 3e-03"])
    assert stuck[2] < 0.002
    assert [round(loss, 2) for loss in stuck[3:]] == [0.25, 3.27]


def rate_for(loss: float, curve: list[tuple[float, float]]) -> float:
    """The learning rate at which a falling curve passes `loss`, read off on logarithmic axes."""
    for (rate, above), (next_rate, below) in pairwise(curve):
        if above >= loss >= below:
            part = math.log(above / loss) / math.log(above / below)
            return rate * (next_rate / rate) ** part
    raise ValueError(f"the curve never passes {loss}")


@pytest.mark.parametrize("rank", [4, 16])
@pytest.mark.parametrize("full_rate", ["1e-04", "3e-04"])  # where the curves fall
def test_full_fine_tuning_needs_two_to_three_times_less(rank: int, full_rate: str) -> None:
    medians = {run: statistics.median(losses) for run, losses in measured("sweep").items()}
    rates = ("1e-04", "3e-04", "1e-03", "3e-03")
    curve = [(float(rate), medians[f"{rank} {rate}"]) for rate in rates]
    factor = rate_for(medians[f"0 {full_rate}"], curve) / float(full_rate)
    assert round(factor) in {2, 3}


def test_a_tenth_of_the_best_rate_is_too_little_for_full_fine_tuning() -> None:
    tenth = measured("sweep")["0 3e-04"]
    assert (round(min(tenth), 3), round(max(tenth), 1)) == (0.004, 1.7)
    assert min(tenth) > max(measured("sweep")["16 3e-03"])


def test_a_higher_rank_memorises_more() -> None:
    memory = measured("memory")
    assert max(memory["4 3e-03"]) < min(memory["1 3e-03"])
    assert sum(a > b for a, b in zip(memory["4 3e-03"], memory["16 3e-03"], strict=True)) == 4
    assert max(memory["0 1e-03"]) < min(memory["16 3e-03"])


def test_the_stored_figures_are_what_the_measured_numbers_give(tmp_path: Path) -> None:
    copy = tmp_path / LAB.name
    copy.mkdir()
    for name in ("make_figures.py", "measured.json", "notebook.py"):
        shutil.copy(LAB / name, copy)
    subprocess.run([sys.executable, copy / "make_figures.py"], check=True, timeout=120)
    drawn = {path.name: path.read_bytes() for path in (copy / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (LAB / "figures").iterdir()}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The reference notebook after "run all", beside a copy of the released lab."""
    folder = tmp_path_factory.mktemp("work") / LAB.name
    shutil.copytree(LAB.parents[1] / "labs" / LAB.name, folder)
    node = nbformat.from_dict(source())
    node.cells.append(nbformat.v4.new_code_cell("print(f'used {time.process_time():.0f} s')"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ipykernel's, about its own sockets
        NotebookClient(
            node, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    return node


def shown(node: Any, start: str) -> str:
    """Everything printed by the cells that hold `start`."""
    cells = [c for c in node.cells if c.cell_type == "code" and start in c.source]
    return "".join(o.get("text", "") for c in cells for o in c.outputs)


@pytest.mark.slow
def test_every_check_of_the_reference_passes(executed: Any) -> None:
    for name in EXERCISES:
        cell = next(c for c in executed.cells if c.source == f'check("{name}")')
        text = "".join(str(o.get("data", {}).get("text/plain", "")) for o in cell.outputs)
        assert f"{name}: passed" in text


@pytest.mark.slow
def test_peft_gives_the_same_outputs_and_gradients(executed: Any) -> None:
    apart = re.findall(r"at most (\S+)", shown(executed, "get_peft_model(\n"))
    assert len(apart) == 2
    # float32, two layers: the order of a few additions may differ.
    assert all(float(number) < 1e-5 for number in apart)


@pytest.mark.slow
def test_adapters_change_the_task_and_leave_the_base_alone(executed: Any) -> None:
    text = shown(executed, "frozen_before")
    for line in ("untrained  tinker -> tinker", "left       tinker -> inkert",
                 "right      tinker -> rtinke", "base unchanged: True"):  # fmt: skip
        assert line in text


@pytest.mark.slow
def test_the_live_sweep_finds_one_rate_for_ranks_4_and_16_within_a_step(executed: Any) -> None:
    text = shown(executed, "best_learning_rate(lora_losses)")
    best = re.search(r"\{1: (\S+), 4: (\S+), 16: (\S+)\}", text)
    assert best is not None
    low, high = sorted((float(best[2]), float(best[3])))
    assert 1e-3 <= low <= high <= 1e-2
    assert high / low < 4


@pytest.mark.slow
def test_the_whole_page_takes_less_than_two_minutes(executed: Any) -> None:
    used = re.search(r"used (\d+) s", shown(executed, "used {time"))
    assert used is not None
    assert int(used[1]) < 120  # CPU time on one thread: what else runs here does not count
