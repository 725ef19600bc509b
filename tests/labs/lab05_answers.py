"""What Lab 5's answers show on a seeded input: one function for each exercise."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from .answers import Answers, Names, attempt


def matrix(rng: Random, rows: int, columns: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Eighths, so that small products are exact and half precision has no ties of its own."""
    values = [rng.randint(-60, 60) / 8 for _ in range(rows * columns)]
    return torch.tensor(values, dtype=dtype).reshape(rows, columns)


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


ANSWERS = Answers(name="lab05_lora_math", observe=OBSERVE, inputs=80, same=same)
