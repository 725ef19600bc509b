"""Lab 5, hidden cases: for each exercise properties on generated inputs, then edge cases.

Every comparison happens here. `judge_inputs.py` draws the inputs; `judge_snippets.py` holds the
lines that build a module beside the code that is judged.
"""

import math
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import Tolerance, agree, exercise


def beside(name):
    """The names of a file in this folder, which is no package."""
    return SimpleNamespace(**run_path(str(Path(__file__).with_name(name))))


draws, code = beside("judge_inputs.py"), beside("judge_snippets.py")
shown = draws.shown

FLOAT32 = Tolerance(1e-5, 3e-4, "sums below 2500 in float32, where an ulp is at most 2.5e-4")
FLOAT64 = Tolerance(1e-12, 1e-12, "float64, a few roundings")
TRAINED32 = Tolerance(1e-4, 1e-4, "two layers forward and back in float32, numbers below 100")
ROUNDED = Tolerance(1e-2, 1e-6, "bfloat16 keeps 8 bits: 2**-8 is 0.4 %")
SVD32 = Tolerance(1e-4, 1e-4, "float32 SVD of norms below 20: some tens of roundings of 2e-6")


@exercise("lora_parameter_count", points=1, examples=40)
@given(model=draws.counts())
def test_count(student, reference, model):
    agree(student, reference, lambda s: s.lora_parameter_count(*model))


@exercise("lora_parameter_count", points=0.5, core=False, examples=15)
@given(rank=st.sampled_from([0, -1, -8]), targets=st.lists(st.just("up"), max_size=1))
def test_count_refuses_a_rank_below_one(student, reference, rank, targets):
    agree(student, reference, lambda s: s.lora_parameter_count({"a.up": (3, 2)}, rank, targets))


@exercise("lora_parameter_count", points=0.5, core=False, examples=30)
@given(targets=draws.targets_with("k_proj", "a", "proj", "q_pro"))
def test_count_refuses_a_target_without_module(student, reference, targets):
    shapes = {"a.q_proj": (3, 2), "a.my_q_proj": (5, 4)}
    agree(student, reference, lambda s: s.lora_parameter_count(shapes, 2, targets))


PLAIN = {"w": torch.zeros(2, 3), "b": None, "alpha": 1.0}


def agree_on_layer(student, reference, snippet, layer, text=None):
    """The snippet says the same of `layer` on both sides."""
    text = text or draws.layer_shown(layer)
    agree(student, reference, lambda s: s.run(snippet, **layer, shown=text), FLOAT32)


@exercise("LoRALinear", points=1, examples=20)
@given(layer=draws.layers())
def test_fresh_layer(student, reference, layer):
    text = draws.layer_shown(layer, fresh=True)
    agree_on_layer(student, reference, code.FRESH, layer, text)


@exercise("LoRALinear", points=1, examples=25)
@given(layer=draws.layers())
def test_forward(student, reference, layer):
    agree_on_layer(student, reference, code.TRAINED, layer)


@exercise("LoRALinear", points=0.5, core=False, examples=12)
@given(layer=draws.layers())
def test_gradients(student, reference, layer):
    text = "(y * [1, 2, 3, 1, ...]).sum().backward(), y = " + draws.layer_shown(layer)
    agree_on_layer(student, reference, code.GRADIENTS, layer, text)


@exercise("LoRALinear", points=0.5, core=False, examples=4)
@given(fan_in=st.sampled_from([4, 16]), rank=st.sampled_from([512, 1024]))
def test_start_of_a(student, reference, fan_in, rank):
    layer = {**PLAIN, "w": torch.zeros(2, fan_in), "rank": rank}
    text = f"sqrt({fan_in}) * LoRALinear(nn.Linear({fan_in}, 2), {rank}, 1.0).lora_A, rounded"
    agree_on_layer(student, reference, code.START, layer, text)


@exercise("LoRALinear", points=0.5, core=False, examples=12)
@given(dtype=draws.DTYPES, device=st.sampled_from(["cpu", "meta"]))
def test_dtype_and_device(student, reference, dtype, device):
    text = f"LoRALinear(nn.Linear(3, 2, dtype=torch.{dtype}, device='{device}'), 2, 1.0)"
    agree(student, reference, lambda s: s.run(code.DTYPES, dtype=dtype, device=device, shown=text))


@exercise("LoRALinear", points=0.5, core=False, examples=10)
@given(rank=st.sampled_from([0, -1, -4]))
def test_layer_refuses_a_rank_below_one(student, reference, rank):
    text, lines = f"LoRALinear(nn.Linear(3, 2), {rank}, 1.0)", code.LAYER + "result = layer.scaling"
    agree_on_layer(student, reference, lines, {**PLAIN, "rank": rank}, text)


@exercise("merge", points=1, examples=40)
@given(numbers=draws.merges(), name=draws.BOTH)
def test_merge_and_unmerge(student, reference, numbers, name):
    action = lambda s: getattr(s, name)(*numbers)  # noqa: E731
    agree(student, reference, action, FLOAT32, dtypes=("float32",))


@exercise("merge", points=0.5, core=False, examples=30)
@given(numbers=draws.merges(number=draws.in_eighths), dtypes=draws.HALF, name=draws.BOTH)
def test_half_precision_rounds_once(student, reference, numbers, dtypes, name):
    # Products of 8-bit numbers over a power of two: exact in float32, so one answer is right.
    inputs = {**draws.named(numbers), "dtype": dtypes[0], "adapter_dtype": dtypes[1]}
    text = f"{draws.merge_shown(name, numbers)}  # weight {dtypes[0]}, A and B {dtypes[1]}"
    agree(student, reference, lambda s: s.run(f"f = {name}\n{code.HALF}", **inputs, shown=text))


@exercise("merge", points=0.5, core=False, examples=20)
@given(numbers=draws.merges(dtype=torch.float64), name=draws.BOTH)
def test_float64_stays_float64(student, reference, numbers, name):
    w, a, b, alpha = numbers
    finer = [tensor + 2**-30 for tensor in (w, a, b)]  # float32 cannot hold 1 + 2**-30
    action = lambda s: getattr(s, name)(*finer, alpha)  # noqa: E731
    agree(student, reference, action, FLOAT64, dtypes=("float64",))


@exercise("merge", points=0.5, core=False, examples=20)
@given(numbers=draws.merges(), name=draws.BOTH)
def test_inputs_are_untouched(student, reference, numbers, name):
    inputs, lines = draws.named(numbers), f"f = {name}\n{code.UNTOUCHED}"
    text = f"out = {draws.merge_shown(name, numbers)}; out += 1; what the inputs are now"
    agree(student, reference, lambda s: s.run(lines, **inputs, shown=text))


@exercise("merge", points=0.5, core=False, examples=60)
@given(shapes=st.sampled_from(draws.BAD_SHAPES), name=draws.BOTH)
def test_shapes_that_do_not_fit(student, reference, shapes, name):
    tensors = [torch.ones(shape) for shape in shapes]
    agree(student, reference, lambda s: getattr(s, name)(*tensors, 1.0))


@exercise("apply_lora", points=2, examples=25)
@given(model=draws.models(), rank=st.integers(1, 4), alpha=st.sampled_from([1.0, 8.0]))
def test_apply(student, reference, model, rank, alpha):
    kinds, targets = model
    inputs = {"kinds": kinds, "targets": targets, "rank": rank, "alpha": alpha}
    text = f"apply_lora(model, {targets}, {rank}, {alpha}, layer=Adapted)  # model: {kinds}"
    agree(student, reference, lambda s: s.run(code.APPLIED, **inputs, shown=text))


@exercise("apply_lora", points=1, core=False, examples=30)
@given(targets=draws.targets_with("k_proj", "norm", "a", "proj"))
def test_a_target_without_linear_changes_nothing(student, reference, targets):
    kinds = {"a.q_proj": "Linear", "norm": "LayerNorm", "my_q_proj": "Linear"}
    inputs = {"kinds": kinds, "targets": targets}
    text = f"apply_lora(model, {targets}, 2, 4.0, layer=Adapted)  # model: {kinds}"
    agree(student, reference, lambda s: s.run(code.REFUSED, **inputs, shown=text))


@exercise("apply_lora", points=1, core=False, examples=5)
@given(x=draws.X, seed=st.integers(0, 3), rank=st.sampled_from([2, 1]))
def test_peft_computes_the_same(student, reference, x, seed, rank):
    inputs = {**draws.tiny(seed, rank), "x": x, "rank": rank, "alpha": 4}
    text = f"apply_lora(model, ['q_proj', 'o_proj'], {rank}, 4); A, B as PEFT's; model({shown(x)})"
    who = lambda s: code.PEFT if s is reference else code.OURS  # noqa: E731
    agree(student, reference, lambda s: s.run(who(s), **inputs, shown=text), TRAINED32)


@exercise("best_rank_k", points=1.5, examples=40)
@given(delta=draws.DELTAS, k=st.integers(0, 6))
def test_best_approximation(student, reference, delta, k):
    agree(student, reference, lambda s: draws.measures(delta, k, s.best_rank_k(delta, k)), SVD32)


@exercise("best_rank_k", points=0.5, core=False, examples=30)
@given(delta=draws.DELTAS, more=st.integers(0, 3))
def test_full_rank_has_no_error(student, reference, delta, more):
    k = min(delta.shape) + more
    agree(student, reference, lambda s: s.best_rank_k(delta, k)[1])


@exercise("best_rank_k", points=0.5, core=False, examples=12)
@given(dtype=draws.DTYPES, k=st.integers(0, 2))
def test_result_has_the_dtype_of_delta(student, reference, dtype, k):
    text = f"best_rank_k(torch.tensor([[3, 0.5], [0, 1]], dtype=torch.{dtype}), {k})"
    agree(student, reference, lambda s: s.run(code.RANKED, dtype=dtype, k=k, shown=text), ROUNDED)


@exercise("best_rank_k", points=0.5, core=False, examples=30)
@given(case=st.sampled_from(["k", "vector", "cube", "number", math.nan, math.inf, -math.inf]))
def test_best_rank_k_refuses(student, reference, case):
    shape = {"vector": (3,), "cube": (2, 2, 2), "number": ()}.get(case, (2, 3))
    delta = torch.ones(shape)
    if isinstance(case, float):
        delta[1, 2] = case
    k = -1 if case == "k" else 1
    agree(student, reference, lambda s: s.best_rank_k(delta, k))


@exercise("memory_estimate", points=1, examples=30)
@given(frozen=draws.COUNTS, trainable=draws.COUNTS)
def test_memory_by_default(student, reference, frozen, trainable):
    agree(student, reference, lambda s: s.memory_estimate(frozen, trainable))


@exercise("memory_estimate", points=1, examples=40)
@given(
    frozen=draws.COUNTS,
    trainable=draws.COUNTS,
    options=st.fixed_dictionaries(
        {"trainable_bytes": st.sampled_from([2, 4])},
        optional={"frozen_bytes": draws.BYTES, "activations": draws.COUNTS},
    ),
)
def test_memory(student, reference, frozen, trainable, options):
    agree(student, reference, lambda s: s.memory_estimate(frozen, trainable, **options))


@exercise("memory_estimate", points=0.5, core=False, examples=20)
@given(frozen=draws.COUNTS, trainable=draws.COUNTS, frozen_bytes=draws.BYTES)
def test_bytes_are_integers(student, reference, frozen, trainable, frozen_bytes):
    inputs = {"frozen": frozen, "trainable": trainable, "frozen_bytes": frozen_bytes}
    text = f"types of memory_estimate({frozen}, {trainable}, frozen_bytes={frozen_bytes})"
    agree(student, reference, lambda s: s.run(code.TYPES, **inputs, shown=text))


@exercise("memory_estimate", points=0.5, core=False, examples=40)
@given(bad=st.sampled_from(draws.BAD_COUNTS))
def test_memory_refuses(student, reference, bad):
    agree(student, reference, lambda s: s.memory_estimate(**{"frozen": 9, "trainable": 3, **bad}))


@exercise("break_even", points=1, examples=30)
@given(cost=draws.COSTS, own=draws.PRICES, gain=draws.GAINS, tokens=draws.TOKENS)
def test_months_until_it_pays(student, reference, cost, own, gain, tokens):
    agree(student, reference, lambda s: s.break_even(cost, own + gain, own, tokens), FLOAT64)


@exercise("break_even", points=0.5, core=False)
@given(numbers=draws.ANY_PLAN)
def test_free_training_and_no_saving(student, reference, numbers):
    agree(student, reference, lambda s: s.break_even(*numbers), FLOAT64)


@exercise("break_even", points=0.5, core=False, examples=60)
@given(place=st.integers(0, 3), bad=draws.BAD_PRICES, cost=st.sampled_from([5.0, 0.0]))
def test_break_even_refuses(student, reference, place, bad, cost):
    numbers = [cost, 3.0, 1.0, 1e6]
    numbers[place] = bad
    agree(student, reference, lambda s: s.break_even(*numbers))


def agree_on_swap(student, reference, snippet, old, new):
    """The snippet says the same of a model that holds `old` and is given `new`."""
    text = f"swap_adapter(model, {shown(new)})  # the model held {shown(old)}"
    agree(student, reference, lambda s: s.run(snippet, old=old, new=new, shown=text))


@exercise("swap_adapter", points=1.5, examples=20)
@given(pair=draws.adapters())
def test_swap(student, reference, pair):
    agree_on_swap(student, reference, code.SWAPPED, *pair)


@exercise("swap_adapter", points=0.5, core=False, examples=12)
@given(pair=draws.adapters())
def test_copies_are_independent(student, reference, pair):
    agree_on_swap(student, reference, code.INDEPENDENT, *pair)


@exercise("swap_adapter", points=1, core=False, examples=5)
@given(adapters=draws.spoilt_adapters())
def test_a_wrong_adapter_changes_nothing(student, reference, adapters):
    old, spoilt = adapters
    for new in spoilt:
        agree_on_swap(student, reference, code.KEPT, old, new)


@exercise("best_learning_rate", points=1, examples=40)
@given(losses=draws.sweeps(*draws.FINITE))
def test_lowest_loss(student, reference, losses):
    agree(student, reference, lambda s: s.best_learning_rate(losses))


@exercise("best_learning_rate", points=0.5, core=False)
@given(losses=draws.sweeps(*draws.FINITE, math.nan, math.inf, -math.inf))
def test_diverged_runs_never_win(student, reference, losses):
    agree(student, reference, lambda s: s.best_learning_rate(losses))


@exercise("best_learning_rate", points=0.5, core=False, examples=30)
@given(losses=draws.sweeps(*draws.FINITE, math.nan))
def test_ranks_ascend(student, reference, losses):
    text = f"list(best_learning_rate({shown(losses)}).items())"
    agree(student, reference, lambda s: s.run(code.ITEMS, losses=losses, shown=text))
