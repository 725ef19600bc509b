"""Generated inputs of lab 5's hidden cases, and how they are shown.

Numbers come from small grids that every float type holds exactly, so that a counterexample can be
worked out by hand and a half-precision result has one right answer. `judge.py` reads this file by
its path.
"""

import math
from functools import cache
from itertools import combinations, product

import torch
from hypothesis import strategies as st

from autograder.judge.values import preview

GRID = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.25, -0.25, 1.75, -1.75, 1.25, -0.75, 3.0)
MOST_NUMBERS = 16
DTYPES = st.sampled_from(["float32", "float64", "bfloat16", "float16"])
HALF = st.sampled_from([(h, a) for h in ("bfloat16", "float16") for a in (h, "float32")])
ALPHAS = st.sampled_from([1.0, 2.0, 0.5, 4.0, 3.0, 0.0, 16])


def on_grid(byte):
    """A number of the grid; 0 is 0, so that inputs shrink to zeros."""
    return GRID[byte % 16]


def in_eighths(byte):
    """An eighth, of either sign: 8 bits, as many as bfloat16 holds."""
    return (byte + 1) // 2 * (0.125 if byte % 2 else -0.125) + 0.0  # no -0.0


@cache
def raw(count):
    """So many random bytes in one draw; hypothesis takes most of its time for each draw."""
    return st.binary(min_size=count, max_size=count)


def tensors(draw, *shapes, number=on_grid, dtype=torch.float32):
    """A tensor for each of the shapes, all in one draw.

    Each has a stretch of bytes of its own, of a length that no shape changes: so a counterexample
    keeps its numbers while its shapes shrink.
    """
    most = MOST_NUMBERS if all(math.prod(shape) <= MOST_NUMBERS for shape in shapes) else 64
    data = draw(raw(most * len(shapes)))
    return [
        torch.tensor(
            [number(byte) for byte in data[start : start + math.prod(shape)]], dtype=dtype
        ).reshape(shape)
        for start, shape in zip(range(0, len(data), most), shapes, strict=True)
    ]


@st.composite
def matrices(draw, up_to):
    """A matrix of at most so many rows and columns."""
    return tensors(draw, draw(shapes(2, up_to)))[0]


@cache
def shapes(length, up_to):
    """So many sizes from 1; each shrinks by itself."""
    return st.tuples(*[st.integers(1, up_to)] * length)


def shown(value):
    """A tensor, or a dict of pairs of them, as a student reads it."""
    return preview(value.tolist() if torch.is_tensor(value) else value)


# --- lora_parameter_count -------------------------------------------------------------------------

PLACES = ("", "model.layers.0.self_attn.", "model.layers.1.self_attn.", "model.layers.0.q_proj.")
PARTS = ("q_proj", "v_proj", "proj", "my_q_proj", "up")
PATHS = st.lists(
    st.sampled_from([place + part for place in PLACES for part in PARTS]),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip
RANKS = st.integers(1, 8)
CHOICES = st.lists(st.integers(0, 3), max_size=4)


@st.composite
def counts(draw):
    """Shapes of a model, a rank, and targets that are last parts of its paths."""
    paths = draw(PATHS)
    sizes = [1 + byte % 9 for byte in draw(raw(2 * len(paths)))]
    shapes = dict(zip(paths, zip(sizes[::2], sizes[1::2], strict=True), strict=True))
    last = sorted({path.split(".")[-1] for path in paths})
    return shapes, draw(RANKS), [last[n % len(last)] for n in draw(CHOICES)]


def targets_with(*unknown):
    """One target that matches nothing, alone or beside one that does."""
    known = st.lists(st.just("q_proj"), max_size=1)
    return st.tuples(known, st.sampled_from(unknown), known).map(lambda t: [*t[0], t[1], *t[2]])


# --- LoRALinear -----------------------------------------------------------------------------------


INPUTS = st.sampled_from(list(product([False, True], [(), (1,), (3,), (2, 2)])))


@st.composite
def layers(draw):
    """A linear layer's numbers, an adapter's, and an input with any leading dimensions."""
    out, fan_in, rank = draw(shapes(3, 4))
    has_bias, lead = draw(INPUTS)
    w, b, x, lora_a, lora_b = tensors(
        draw, (out, fan_in), (out,), (*lead, fan_in), (rank, fan_in), (out, rank)
    )
    numbers = {"w": w, "b": b if has_bias else None, "rank": rank, "alpha": draw(ALPHAS)}
    return {**numbers, "x": x, "A": lora_a, "B": lora_b}


def layer_shown(layer, fresh=False):
    """A generated layer as a student would build and call it."""
    out, fan_in = layer["w"].shape
    sizes = f"{fan_in}, {out}" + (", bias=False" if layer["b"] is None else "")
    built = f"LoRALinear(nn.Linear({sizes}), {layer['rank']}, {layer['alpha']})"
    if fresh:
        return built
    bias = "" if layer["b"] is None else f", bias {shown(layer['b'])}"
    a_and_b = f"A {shown(layer['A'])}, B {shown(layer['B'])}"
    return f"{built}({shown(layer['x'])}) with weight {shown(layer['w'])}{bias}, {a_and_b}"


# --- merge and unmerge ----------------------------------------------------------------------------


@st.composite
def merges(draw, dtype=torch.float32, number=on_grid):
    """A weight, A, B and alpha that fit together."""
    out, fan_in, rank = draw(shapes(3, 4))
    if number is in_eighths:
        rank = (1, 2, 4)[rank % 3]  # a power of two, so that alpha / rank is exact
    sizes = ((out, fan_in), (rank, fan_in), (out, rank))
    return *tensors(draw, *sizes, number=number, dtype=dtype), draw(ALPHAS)


BOTH = st.sampled_from(["merge", "unmerge"])
BAD_SHAPES = (  # of weight, A and B; those with a 1 would be stretched without a word
    [(2, 3), (1, 4), (2, 1)], [(2, 3), (1, 3), (4, 1)], [(2, 3), (1, 3), (2, 2)],
    [(2, 3), (2, 3), (2, 1)], [(2, 3), (1, 1), (2, 1)], [(2, 3), (1, 3), (1, 1)],
    [(1, 3), (2, 3), (2, 2)], [(2, 1), (2, 3), (2, 2)], [(2, 3), (3, 1), (1, 2)],
    [(3,), (2, 3), (3, 2)], [(1, 2, 3), (2, 3), (2, 2)], [(2, 3), (1, 2, 3), (2, 2)],
    [(2, 3), (2, 3), (1, 2, 2)], [(2, 3), (2, 3, 1), (2, 2)], [(2, 3), (2, 3), (2, 2, 1)],
)  # fmt: skip


def named(numbers):
    """Generated numbers under the names that the snippets use."""
    return dict(zip(("w", "A", "B", "alpha"), numbers, strict=True))


def merge_shown(name, numbers):
    """A call of `merge` or `unmerge` as a student would write it."""
    return f"{name}({', '.join(map(shown, numbers))})"


# --- apply_lora -----------------------------------------------------------------------------------

LEAVES = ("q_proj", "v_proj", "my_q_proj", "0")
FOLDERS = ("", "layers.1.", "layers.0.", "mlp.", "attn.q_proj.")
LINEARS = ("Linear", "Linear without bias")
KINDS = (*LINEARS, *LINEARS, "LayerNorm", "Embedding")
MODULES = st.lists(
    st.sampled_from([(f + leaf, kind) for f in FOLDERS for leaf in LEAVES for kind in KINDS]),
    min_size=1, max_size=6, unique_by=lambda module: module[0],
)  # fmt: skip


@st.composite
def models(draw):
    """Kinds of modules by path, and targets that each match a linear layer."""
    kinds = dict(draw(MODULES))
    names = sorted({path.split(".")[-1] for path, kind in kinds.items() if kind in LINEARS})
    return kinds, [names[n % len(names)] for n in draw(CHOICES) if names]


# --- swap_adapter ---------------------------------------------------------------------------------


PLACED = ("q_proj", "layers.0.q_proj", "layers.1.v_proj", "a.b.c")
GROUPS = st.sampled_from([paths for n in (1, 2, 3) for paths in combinations(PLACED, n)])


@st.composite
def adapters(draw):
    """What one to three layers hold, and what they are to hold."""
    paths, old, new = draw(GROUPS), {}, {}
    for path in paths:
        out, fan_in, rank = draw(shapes(3, 3))
        numbers = tensors(draw, *2 * ((rank, fan_in), (out, rank)))
        old[path], new[path] = tuple(numbers[:2]), tuple(numbers[2:])
    return old, new


WHICH = st.integers(0, 2)


@st.composite
def spoilt_adapters(draw):
    """What layers hold, and adapters of which one entry is missing, unknown or misshapen."""
    old, new = draw(adapters())
    path = sorted(old)[draw(WHICH) % len(old)]
    a, b = new[path]
    (rank, fan_in), out = a.shape, b.shape[0]
    misshapen = [
        (torch.ones(rank, fan_in + 1), b),
        (a, torch.ones(out + 1, rank)),
        (torch.ones(rank + 1, fan_in), b),
        (a, torch.ones(out, rank + 1)),
        (torch.ones(1, fan_in + (rank == 1)), b),  # copy_ stretches (1, fan_in) without a word
        (a, b[:, 0]),
    ]
    without = {key: pair for key, pair in new.items() if key != path}
    unknown = [{**new, "only_A": (torch.ones(1, 1), torch.ones(1, 1))}, {**new, "norm": (a, b)}]
    return old, [without, *unknown, *({**new, path: pair} for pair in misshapen)]


# --- the plain functions --------------------------------------------------------------------------

DELTAS = matrices(5)


def measures(delta, k, answer):
    """What makes an approximation a best one although others may be as good: distance and rank."""
    approximation, error = answer
    lost = delta.double() - approximation.double()
    beyond = torch.linalg.svdvals(approximation.double())[k:]
    return {
        "error": error,
        "shape": approximation.shape,
        "norm of delta - approximation": lost.norm().item(),
        "singular values of the approximation beyond k": beyond,
    }


COUNTS = st.integers(0, 12) | st.sampled_from([1001, 8_030_261_249])
BYTES = st.sampled_from([2.0, 0.5, 4.0, 1.0, 0.25, 0.53125])
BAD_COUNTS = (
    {"frozen": -1}, {"trainable": -1}, {"activations": -1}, {"frozen_bytes": 0.0},
    {"frozen_bytes": -2.0}, {"frozen_bytes": math.nan}, {"trainable_bytes": 0},
    {"trainable_bytes": 1}, {"trainable_bytes": 3}, {"trainable_bytes": 8},
)  # fmt: skip
PRICES = st.sampled_from([0.0, 1.0, 2.0, 0.25, 0.5, 3.0, 12.0])
BAD_PRICES = st.sampled_from([-1.0, -1e-9, math.nan, math.inf, -math.inf])
GAINS = st.sampled_from([1.0, 0.5, 0.25, 10.0])
COSTS = st.sampled_from([1.0, 20.0, 0.5, 1e6])
TOKENS = st.sampled_from([1_000_000, 1, 250_000, 3_000_000_000])
ANY_PLAN = st.tuples(COSTS | st.just(0.0), PRICES, PRICES, TOKENS | st.just(0))
RUNS = list(product([1, 4, 16, 64], [1e-4, 3e-4, 1e-3, 1e-2]))
FINITE = (1.0, 2.0, 0.5, -1.0, 0.0)


def sweeps(*losses):
    """Runs of a sweep, in any order, that end with one of `losses` or diverge."""
    runs = st.sampled_from(list(product(RUNS, losses)))
    return st.lists(runs, max_size=8, unique_by=lambda run: run[0]).map(dict)


X = raw(6).map(lambda row: torch.tensor([on_grid(byte) for byte in row]).reshape(2, 3))


def tiny(seed, rank):
    """Weights of the snippet TINY and an adapter for it."""
    made = torch.Generator().manual_seed(seed)
    pairs = {"q_proj": ((rank, 3), (4, rank)), "o_proj": ((rank, 4), (2, rank))}
    return {
        "weights": [torch.randn(size, generator=made) for size in ((4, 3), (4,), (2, 4), (2,))],
        "adapter": {
            name: [torch.randn(size, generator=made) for size in pair]
            for name, pair in pairs.items()
        },
    }
