"""Generated inputs of lab 5's hidden cases, and how they are shown.

Numbers come from small grids that every float type holds exactly, so that a counterexample can be
worked out by hand and a half-precision result has one right answer. `judge.py` reads this file by
its path.
"""

import math

import torch
from hypothesis import strategies as st

from autograder.judge.values import preview

GRID = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.25, -0.25, 1.75, -1.75, 1.25, -0.75, 3.0)
DTYPES = st.sampled_from(["float32", "float64", "bfloat16", "float16"])
HALF = st.sampled_from([(h, a) for h in ("bfloat16", "float16") for a in (h, "float32")])
ALPHAS = st.sampled_from([1.0, 2.0, 0.5, 4.0, 3.0, 0.0, 16])


def matrices(rows, columns, dtype=torch.float32, step=None):
    """Matrices on the grid, or of multiples of `step`; each entry shrinks to 0, then to 1."""

    def number(byte):
        signed = (byte + 1) // 2 * (1 if byte % 2 else -1)
        return GRID[byte % 16] if step is None else signed * step

    def matrix(raw):
        return torch.tensor([number(b) for b in raw], dtype=dtype).reshape(rows, columns)

    return st.binary(min_size=rows * columns, max_size=rows * columns).map(matrix)


def shown(value):
    """A tensor, or a dict of pairs of them, as a student reads it."""
    return preview(value.tolist() if torch.is_tensor(value) else value)


# --- lora_parameter_count -------------------------------------------------------------------------

PLACES = ("", "model.layers.0.self_attn.", "model.layers.1.self_attn.", "model.layers.0.q_proj.")
PARTS = ("q_proj", "v_proj", "proj", "my_q_proj", "up")
PATHS = st.builds(str.__add__, st.sampled_from(PLACES), st.sampled_from(PARTS))
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@st.composite
def counts(draw):
    """Shapes of a model, a rank, and targets that are last parts of its paths."""
    shapes = draw(st.dictionaries(PATHS, SIZES, min_size=1, max_size=6))
    last = sorted({path.split(".")[-1] for path in shapes})
    targets = draw(st.lists(st.sampled_from(last), max_size=4))
    return shapes, draw(st.integers(1, 8)), targets


def targets_with(*unknown):
    """One target that matches nothing, alone or beside one that does."""
    known = st.lists(st.just("q_proj"), max_size=1)
    return st.tuples(known, st.sampled_from(unknown), known).map(lambda t: [*t[0], t[1], *t[2]])


# --- LoRALinear -----------------------------------------------------------------------------------


@st.composite
def layers(draw):
    """A linear layer's numbers, an adapter's, and an input with any leading dimensions."""
    out, fan_in, rank = (draw(st.integers(1, 4)) for _ in range(3))
    bias = draw(st.none() | matrices(1, out))
    lead = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    return {
        "w": draw(matrices(out, fan_in)),
        "b": None if bias is None else bias[0],
        "rank": rank,
        "alpha": draw(ALPHAS),
        "x": draw(matrices(math.prod(lead), fan_in)).reshape(*lead, fan_in),
        "A": draw(matrices(rank, fan_in)),
        "B": draw(matrices(out, rank)),
    }


def layer_shown(layer, adapter=True):
    """A generated layer as a student would build and call it."""
    out, fan_in = layer["w"].shape
    bias = "no bias" if layer["b"] is None else f"bias {shown(layer['b'])}"
    a_and_b = f" with A {shown(layer['A'])}, B {shown(layer['B'])}" if adapter else ""
    built = f"LoRALinear(Linear({fan_in}, {out}), {layer['rank']}, {layer['alpha']}){a_and_b}"
    return (
        f"{built}, called on {shown(layer['x'])}; its base has weight {shown(layer['w'])}, {bias}"
    )


# --- merge and unmerge ----------------------------------------------------------------------------


@st.composite
def merges(draw, dtype=torch.float32, step=None, ranks=(1, 2, 3, 4)):
    """A weight, A, B and alpha that fit together."""
    out, fan_in = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rank = draw(st.sampled_from(ranks))
    sizes = ((out, fan_in), (rank, fan_in), (out, rank))
    return *(draw(matrices(*size, dtype, step)) for size in sizes), draw(ALPHAS)


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
KINDS = st.sampled_from((*LINEARS, *LINEARS, "LayerNorm", "Embedding"))


@st.composite
def models(draw):
    """Kinds of modules by path, and targets that each match a linear layer."""
    paths = st.builds(str.__add__, st.sampled_from(FOLDERS), st.sampled_from(LEAVES))
    kinds = draw(st.dictionaries(paths, KINDS, min_size=1, max_size=6))
    names = sorted({path.split(".")[-1] for path, kind in kinds.items() if kind in LINEARS})
    targets = draw(st.lists(st.sampled_from(names), max_size=3)) if names else []
    return kinds, targets


# --- swap_adapter ---------------------------------------------------------------------------------


@st.composite
def adapters(draw):
    """What one to three layers hold, and what they are to hold."""
    paths = st.sampled_from(["q_proj", "layers.0.q_proj", "layers.1.v_proj", "a.b.c"])
    old, new = {}, {}
    for path in draw(st.lists(paths, min_size=1, max_size=3, unique=True)):
        out, fan_in, rank = (draw(st.integers(1, 3)) for _ in range(3))
        for adapter in (old, new):
            adapter[path] = (draw(matrices(rank, fan_in)), draw(matrices(out, rank)))
    return old, new


@st.composite
def spoilt_adapters(draw):
    """What layers hold, and an adapter of which one entry is missing, unknown or misshapen."""
    old, new = draw(adapters())
    path = draw(st.sampled_from(sorted(old)))
    a, b = new[path]
    spoils = {
        "missing": None,
        "A too long": (torch.ones(a.shape[0], a.shape[1] + 1), b),
        "B too long": (a, torch.ones(b.shape[0] + 1, b.shape[1])),
        "A of another rank": (torch.ones(a.shape[0] + 1, a.shape[1]), b),
        "B of another rank": (a, torch.ones(b.shape[0], b.shape[1] + 1)),
        "A has one row for all": (torch.ones(1, a.shape[1] + (a.shape[0] == 1)), b),
        "B is a vector": (a, b[:, 0]),
        "only_A": (torch.ones(1, 1), torch.ones(1, 1)),
        "norm": (a, b),
    }
    kind = draw(st.sampled_from(sorted(spoils)))
    spoilt = {**new, (kind if kind in ("only_A", "norm") else path): spoils[kind]}
    return old, {key: pair for key, pair in spoilt.items() if pair is not None}


# --- the plain functions --------------------------------------------------------------------------

DELTAS = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(lambda s: matrices(*s))


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
RUNS = st.tuples(st.sampled_from([1, 4, 16, 64]), st.sampled_from([1e-4, 3e-4, 1e-3, 1e-2]))
FINITE = (1.0, 2.0, 0.5, -1.0, 0.0)


def sweeps(*losses):
    """Runs of a sweep, in any order, that end with one of `losses` or diverge."""
    runs = st.lists(st.tuples(RUNS, st.sampled_from(losses)), max_size=8, unique_by=lambda r: r[0])
    return runs.map(dict)


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
