"""Lab 5's wrong and right answers, held against each other without the judge.

Every answer meets the same seeded inputs in plain Python. The judge's own exam is `labkit audit`;
this test says that what the exam is made of is sound: right answers agree with the reference,
wrong ones differ from it and from one another, and both versions of a mistake do the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.audit.mutate import normalised
from autograder.notebook import reference_cells, replace_cell, source_of

LAB = Path(__file__).resolve().parents[2] / "solutions" / "lab05_lora_math"
INPUTS = 80
SEEN_OFTEN = 3  # differing inputs of 80: not one exotic input
KINDS = ("mistakes", "mistakes/second", "alternatives")
Names = dict[str, Any]


def attempt(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The value, or the kind of error; every ValueError is alike, as it is for the judge."""
    try:
        return call(*args, **kwargs)
    except ValueError:
        return "ValueError"
    except Exception as error:
        return type(error).__name__


def matrix(rng: Random, rows: int, columns: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Eighths, so that small products are exact and half precision has no ties of its own."""
    values = [rng.randint(-60, 60) / 8 for _ in range(rows * columns)]
    return torch.tensor(values, dtype=dtype).reshape(rows, columns)


# One function for each exercise: draw an input from rng, use the answer, return what is seen.


def lora_parameter_count(names: Names, rng: Random) -> Any:
    parts = ["q_proj", "proj", "up_proj", "mlp", "norm"]
    places = [f"{n}.{kind}" for n in range(rng.randint(1, 3)) for kind in ("attn", "mlp")]
    paths = [f"{place}.{part}" for place in places for part in rng.sample(parts, 2)]
    shapes = {path: (rng.randint(1, 9), rng.randint(1, 9)) for path in paths}
    targets = [rng.choice(parts) for _ in range(rng.randint(0, 3))]
    return attempt(names["lora_parameter_count"], shapes, rng.choice([0, 1, 2, 4, 8]), targets)


def LoRALinear(names: Names, rng: Random) -> Any:
    torch.manual_seed(rng.randint(0, 999))
    dtype = rng.choice([torch.float32, torch.float64])
    sizes = rng.randint(2, 8), rng.randint(2, 8)
    base = nn.Linear(*sizes, bias=rng.random() < 0.7, dtype=dtype)
    rank, alpha = rng.choice([0, 1, 2, 4]), rng.choice([1, 2.0, 16.0])
    layer = attempt(names["LoRALinear"], base, rank, alpha)
    if isinstance(layer, str):
        return layer
    x = torch.randn(*rng.choice([(), (3,), (2, 3)]), sizes[0], dtype=dtype)
    a, b = layer.lora_A.detach(), layer.lora_B.detach()
    seen = [layer.scaling, a.abs().max() <= sizes[0] ** -0.5, bool(a.any()), bool(b.any())]
    seen += [a.shape, a.dtype, b.shape, b.dtype, layer.base is base]
    seen += [sorted((name, p.requires_grad) for name, p in layer.named_parameters())]
    seen += [bool(torch.allclose(layer(x), base(x)))]
    with torch.no_grad():
        layer.lora_A.copy_(torch.randn_like(a))
        layer.lora_B.copy_(torch.randn_like(b))
    out = layer(x)
    out.sum().backward()
    return [*seen, out.detach(), layer.lora_A.grad, layer.lora_B.grad]


def merge(names: Names, rng: Random) -> Any:
    dtype = rng.choice([torch.float32, torch.float64, torch.bfloat16, torch.float16])
    rows, columns, rank = rng.randint(1, 6), rng.randint(1, 6), rng.choice([1, 2, 4])
    weight = matrix(rng, rows, columns).mul(1 + 2**-7).to(dtype)
    small = rng.choice([dtype, torch.float32])
    lora = [matrix(rng, rank, columns, small), matrix(rng, rows, rank, small)]
    if rng.random() < 0.15:
        index, change = rng.randrange(2), rng.choice([(0, 1), (1, 0)])
        shape = [size + more for size, more in zip(lora[index].shape, change, strict=True)]
        lora[index] = matrix(rng, *shape, small)
    alpha = rng.choice([1.0, 2.0, 8.0, 16.0])
    seen: list[Any] = []
    for name in ("merge", "unmerge"):
        given = [weight.clone(), *(matrix.clone() for matrix in lora)]
        seen += [attempt(names[name], *given, alpha), given]
    return seen


class StandIn(nn.Module):
    """In the place of LoRALinear; it freezes nothing itself."""

    def __init__(self, base: nn.Module, rank: int, alpha: float) -> None:
        super().__init__()
        self.base, self.given = base, (rank, alpha)
        self.lora_A = nn.Parameter(torch.zeros(rank, 3))
        self.lora_B = nn.Parameter(torch.ones(2, rank))


def small_model(rng: Random) -> nn.Module:
    """Blocks of linear layers, an embedding that may be called like one, and a head."""
    model = nn.Module()
    for index in range(rng.randint(1, 3)):
        block = nn.ModuleDict({"norm": nn.LayerNorm(2), "mlp": nn.Module()})
        for name in rng.sample(["q_proj", "proj", "up_proj"], 2):
            rng.choice([block, block["mlp"]]).add_module(name, nn.Linear(2, 2))
        model.add_module(f"block{index}", block)
    model.add_module(rng.choice(["embed", "q_proj"]), nn.Embedding(3, 2))
    model.add_module(rng.choice(["head", "proj"]), nn.Linear(2, 3))
    return model


def apply_lora(names: Names, rng: Random) -> Any:
    model = small_model(rng)
    number = {id(module): path for path, module in model.named_modules()}
    targets = rng.sample(["q_proj", "proj", "up_proj", "head", "mlp", "norm"], rng.randint(0, 3))
    seen = [attempt(names["apply_lora"], model, targets, 2, 4.0, layer=StandIn)]
    seen += [
        (path, type(module).__name__, getattr(module, "given", None), number.get(id(module)))
        for path, module in model.named_modules()
    ]
    return [*seen, sorted((path, p.requires_grad) for path, p in model.named_parameters())]


def best_rank_k(names: Names, rng: Random) -> Any:
    rows, columns = rng.randint(1, 6), rng.randint(1, 6)
    delta = matrix(rng, rows, columns, rng.choice([torch.float32, torch.float64])) / 3
    if rng.random() < 0.1:
        delta[0, 0] = rng.choice([math.nan, math.inf])
    if rng.random() < 0.05:
        delta = delta[0]
    return attempt(names["best_rank_k"], delta, rng.randint(-1, 6))


def memory_estimate(names: Names, rng: Random) -> Any:
    counts = [rng.choice([0, 7, 1001, 10**9, 7 * 10**9 + 1]) for _ in range(3)]
    if rng.random() < 0.1:
        counts[rng.randrange(3)] = -1
    return attempt(
        names["memory_estimate"],
        *counts[:2],
        frozen_bytes=rng.choice([0.5, 0.53125, 1.0, 2.0, 4.0, 0.0, -1.0]),
        trainable_bytes=rng.choice([2, 2, 4, 4, 4, 3]),
        activations=counts[2],
    )


def break_even(names: Names, rng: Random) -> Any:
    values = [rng.choice([0.0, 50.0, 333.3]), rng.choice([0.1, 2.5]), rng.choice([0.1, 0.7, 4.0])]
    values.append(rng.choice([0.0, 1e6, 3.5e8]))
    if rng.random() < 0.2:
        values[rng.randrange(4)] = rng.choice([-1.0, math.nan, math.inf])
    return attempt(names["break_even"], *values)


def swap_adapter(names: Names, rng: Random) -> Any:
    torch.manual_seed(rng.randint(0, 999))
    model = nn.Sequential(*(StandIn(nn.Linear(3, 2), rng.randint(1, 3), 1.0) for _ in range(3)))
    dtype = rng.choice([torch.float32, torch.float32, torch.float64])
    layers = {path: m for path, m in model.named_modules() if isinstance(m, StandIn)}
    adapter = {
        path: (torch.randn_like(m.lora_A, dtype=dtype), torch.randn_like(m.lora_B, dtype=dtype))
        for path, m in layers.items()
    }
    path, flaw = rng.choice(list(adapter)), rng.choice(["", "", "missing", "unknown", "shape"])
    if flaw == "missing":
        del adapter[path]
    elif flaw == "unknown":
        adapter["9.extra"] = adapter[path]
    elif flaw == "shape":
        adapter[path] = (adapter[path][0], adapter[path][1][:1])
    before = [*model.parameters()]
    result = attempt(names["swap_adapter"], model, adapter)
    seen: list[Any] = [[p is q for p, q in zip(model.parameters(), before, strict=True)]]
    seen += [(name, p.requires_grad, p.detach().clone()) for name, p in model.named_parameters()]
    seen += [result if isinstance(result, str) else {k: list(v) for k, v in result.items()}]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    return [*seen, {key: list(pair) for key, pair in adapter.items()}]


def best_learning_rate(names: Names, rng: Random) -> Any:
    keys = [(rank, rate) for rank in (16, 1, 4) for rate in (1e-3, 1e-4, 3e-4)]
    keys = rng.sample(keys, rng.randint(0, 9))
    ends = [0.5, 0.25, 1.0, 2.0, math.nan, math.inf]
    found = attempt(names["best_learning_rate"], {key: rng.choice(ends) for key in keys})
    return found if isinstance(found, str) else list(found.items())


FIRST_FIVE = (lora_parameter_count, LoRALinear, merge, apply_lora, best_rank_k)
OTHERS = (memory_estimate, break_even, swap_adapter, best_learning_rate)
OBSERVE = {function.__name__: function for function in FIRST_FIVE + OTHERS}


def same(left: Any, right: Any) -> bool:
    """Equal, types too; floats and float32 to five digits, half precision to the last bit."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Tensor):
        if left.dtype != right.dtype or left.shape != right.shape:
            return False
        if left.dtype in (torch.bfloat16, torch.float16):
            return torch.equal(left, right)
        tolerance = 1e-9 if left.dtype == torch.float64 else 1e-5
        return torch.allclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(left, float):
        alike = math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-5)
        return alike or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def paths_of(kind: str, exercise: str = "*") -> list[Path]:
    return sorted((LAB / kind).glob(f"{exercise}__*.py"))


@cache
def seen_of(exercise: str, path: Path | None) -> list[Any]:
    """What the answer in `path` (None: the reference) shows on every input."""
    cells = reference_cells(LAB)
    if path is not None:
        cells = replace_cell(cells, exercise, source_of(path)[1])
    names: Names = {"__name__": "answer"}
    for cell in cells:
        exec(compile(cell.source, cell.id, "exec"), names)
    return [OBSERVE[exercise](names, Random(number)) for number in range(INPUTS)]


def differing(exercise: str, left: Path | None, right: Path | None) -> list[int]:
    pairs = zip(seen_of(exercise, left), seen_of(exercise, right), strict=True)
    return [number for number, (one, other) in enumerate(pairs) if not same(one, other)]


every_exercise = pytest.mark.parametrize("exercise", OBSERVE)


@every_exercise
def test_alternatives_agree_with_the_reference(exercise: str) -> None:
    wrong = {path.stem: differing(exercise, path, None) for path in paths_of(KINDS[2], exercise)}
    assert {name: numbers for name, numbers in wrong.items() if numbers} == {}


@every_exercise
def test_mistakes_differ_from_the_reference_and_agree_with_it_somewhere(exercise: str) -> None:
    for path in paths_of("mistakes", exercise):
        assert SEEN_OFTEN <= len(differing(exercise, path, None)) < INPUTS, path.stem


@every_exercise
def test_mistakes_differ_from_one_another(exercise: str) -> None:
    for one, other in combinations(paths_of("mistakes", exercise), 2):
        assert len(differing(exercise, one, other)) >= SEEN_OFTEN, (one.stem, other.stem)


@every_exercise
def test_second_versions_do_what_the_first_do_in_other_words(exercise: str) -> None:
    for path in paths_of("mistakes", exercise):
        second = path.parent / "second" / path.name
        assert differing(exercise, path, second) == [], path.stem
        assert normalised(source_of(path)[1]) != normalised(source_of(second)[1]), path.stem


@every_exercise
def test_there_are_enough_answers_and_no_two_are_the_same_program(exercise: str) -> None:
    alternatives = paths_of("alternatives", exercise)
    assert len(paths_of("mistakes", exercise)) >= 5
    assert len(alternatives) >= 3
    reference = next(cell.source for cell in reference_cells(LAB) if cell.id == exercise)
    programs = [reference, *(source_of(path)[1] for path in alternatives)]
    assert len({normalised(program) for program in programs}) == len(programs)


def test_every_file_belongs_to_an_exercise_and_every_mistake_has_a_second_version() -> None:
    for kind in KINDS:
        assert {path.stem.partition("__")[0] for path in paths_of(kind)} == OBSERVE.keys()
    firsts, seconds = ({path.name for path in paths_of(kind)} for kind in KINDS[:2])
    assert firsts == seconds


@pytest.mark.parametrize("kind", KINDS)
def test_docstrings_are_short_enough_to_be_read(kind: str) -> None:
    for path in paths_of(kind):
        sentence = source_of(path)[0]
        assert 20 <= len(sentence) <= 200, path.stem
        assert kind != "mistakes" or "you" in sentence.lower(), path.stem
