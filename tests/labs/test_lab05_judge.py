"""Lab 5's own judge and public checks: what they let pass, what they catch, and how they say it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from autograder.judge.feedback import as_text
from autograder.judge.runner import PRELOAD, judge
from autograder.notebook import replace_cell
from autograder.sandbox.client import Zygote

from .judging import Cells, Judging

LAB = Judging("lab05_lora_math")

WRONG: dict[str, tuple[str, str, str]] = {
    "counts the product of the sizes": (
        "lora_parameter_count",
        "return sum(\n        rank * (fan_in + fan_out)",
        "return sum(\n        rank * (fan_in * fan_out)",
    ),
    "matches the end of the path": (
        "lora_parameter_count",
        'if path.rpartition(".")[2] in wanted\n',
        "if path.endswith(tuple(wanted))\n",
    ),
    "forgets to divide by the rank": (
        "LoRALinear",
        "self.scaling = alpha / rank",
        "self.scaling = float(alpha)",
    ),
    "leaves the bias trainable": (
        "LoRALinear",
        "self.base = base.requires_grad_(False)",
        "self.base = base\n        base.weight.requires_grad_(False)",
    ),
    "starts A from a normal distribution": (
        "LoRALinear",
        "nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))",
        "nn.init.normal_(self.lora_A, std=base.in_features**-0.5)",
    ),
    "multiplies in half precision": (
        "merge",
        "exact = torch.promote_types(weight.dtype, torch.float32)",
        "exact = weight.dtype",
    ),
    "rounds the update before the sum": (
        "merge",
        "return (weight.to(exact) + update).to(weight.dtype)",
        "return weight + update.to(weight.dtype)",
    ),
    "adds into the weight": (
        "merge",
        "return (weight.to(exact) + update).to(weight.dtype)",
        "return weight.copy_((weight.to(exact) + update).to(weight.dtype))",
    ),
    "freezes before it refuses": (
        "apply_lora",
        "    unmatched = set(targets)",
        "    model.requires_grad_(False)\n    unmatched = set(targets)",
    ),
    "returns sorted paths": (
        "apply_lora",
        "return [path for path, _ in chosen]",
        "return sorted(path for path, _ in chosen)",
    ),
    "adds up the dropped values": (
        "best_rank_k",
        "torch.linalg.vector_norm(singular[k:]).item()",
        "singular[k:].sum().item()",
    ),
    "measures the error after rounding": (
        "best_rank_k",
        "error = torch.linalg.vector_norm(singular[k:]).item()",
        "error = (exact - approximation).norm().item()",
    ),
    "rounds down": ("memory_estimate", "math.ceil(", "math.floor("),
    "lets NaN pass": (
        "break_even",
        "all(math.isfinite(value) and value >= 0 for value in given)",
        "not any(value < 0 or value == math.inf for value in given)",
    ),
    "hands back the live parameters": (
        "swap_adapter",
        "(layer.lora_A.detach().clone(), layer.lora_B.detach().clone())",
        "(layer.lora_A.detach(), layer.lora_B.detach())",
    ),
    "puts new parameters in": (
        "swap_adapter",
        "layer.lora_A.copy_(new_A)",
        "layer.lora_A = nn.Parameter(new_A.clone())",
    ),
    "prefers the larger rate on a tie": (
        "best_learning_rate",
        "min(best.get(rank, run), run)",
        "min(best.get(rank, run), run, key=lambda r: (r[0], -r[1]))",
    ),
}


def slip(name: str) -> tuple[str, Cells]:
    """A wrong answer of `WRONG`: its exercise, and all cells."""
    exercise, right, wrong = WRONG[name]
    source = next(cell.source for cell in LAB.reference if cell.id == exercise)
    assert source.count(right) == 1, f"the reference of {exercise} changed: {right!r} is gone"
    return exercise, replace_cell(LAB.reference, exercise, source.replace(right, wrong))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_caught_and_told_how(name: str) -> None:
    exercise, cells = slip(name)
    found = LAB.verdict(cells, exercise=exercise).exercises[0]
    assert found.status == "failed"
    assert found.points < found.max_points
    assert found.counterexample is not None
    assert exercise in found.counterexample.call or "unmerge" in found.counterexample.call
    assert 0 < len(found.counterexample.expected) < 200
    assert len(as_text(found).splitlines()) <= 12


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_passes_a_public_case(name: str) -> None:
    exercise, cells = slip(name)
    assert LAB.verdict(cells, file="checks.py", exercise=exercise).exercises[0].cases_passed > 0


def test_a_wrong_answer_gets_the_same_verdict_every_time() -> None:
    _, cells = slip("rounds the update before the sum")
    first, second = (LAB.verdict_anew(cells, exercise="merge") for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()


def test_a_counterexample_is_small() -> None:
    _, cells = slip("adds up the dropped values")
    found = LAB.verdict(cells, exercise="best_rank_k").exercises[0]
    assert found.counterexample is not None
    numbers = set(re.findall(r"-?\d\.\d+", found.counterexample.call))
    assert numbers <= {"0.0", "1.0"}
    assert len(found.counterexample.call) < 80


def test_a_wrong_layer_costs_only_the_case_that_uses_it() -> None:
    """The exercise after it is judged with a stand-in; one case of one point proves both."""
    _, cells = slip("forgets to divide by the rank")
    found = {e.exercise: e for e in LAB.verdict(cells).exercises}
    lost = {name: e.max_points - e.points for name, e in found.items() if e.status != "passed"}
    assert set(lost) == {"LoRALinear", "apply_lora"}
    assert lost["apply_lora"] == 1


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", "peft", *PRELOAD)) as zygote:
        yield zygote


@pytest.mark.jail
def test_the_jail_gives_the_verdicts_given_here(zygote: Zygote) -> None:
    full = judge(LAB.reference, LAB.lab, zygote=zygote, seed="test")
    assert full.exercises == LAB.verdict(LAB.reference).exercises
    exercise, cells = slip("hands back the live parameters")
    jailed = judge(cells, LAB.lab, zygote=zygote, seed="test", exercises=[exercise])
    assert jailed.exercises == LAB.verdict(cells, exercise=exercise).exercises
