"""Lab 5, public checks: small examples you can follow by hand.

Where an exercise works on a module, the check builds one beside your code, with the `torch` and
`nn` of the notebook's first cell, and looks at it after. The grade comes from more cases than
these, on inputs of many shapes.
"""

import math

import pytest
import torch

from autograder.judge import EXACT, Tolerance, exercise, expect, refuses

CLOSE = Tolerance(rtol=1e-5, atol=1e-6, why="float32, fewer than ten operations on small numbers")


def matrix(*rows):
    """A float32 matrix."""
    return torch.tensor(rows, dtype=torch.float32)


Q0, Q1 = "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"
UP0 = "model.layers.0.mlp.up_proj"


@exercise("lora_parameter_count")
def test_one_module(student):
    # A is (2, 4) and B is (6, 2): 8 + 12 numbers.
    expect(student.lora_parameter_count({Q0: (6, 4)}, 2, ["q_proj"]), 20)


@exercise("lora_parameter_count")
def test_only_modules_that_are_targets(student):
    shapes = {Q0: (4, 4), UP0: (12, 4), Q1: (4, 4)}
    expect(student.lora_parameter_count(shapes, 1, ["q_proj"]), 8 + 8)
    expect(student.lora_parameter_count(shapes, 1, ["q_proj", "up_proj"]), 8 + 16 + 8)


@exercise("lora_parameter_count")
def test_no_targets_train_nothing(student):
    expect(student.lora_parameter_count({Q0: (6, 4)}, 2, []), 0)


LAYER = """
base = torch.nn.Linear(2, 2)
base.weight.data.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
base.bias.data.copy_(torch.tensor([10.0, 20.0]))
layer = LoRALinear(base, rank, alpha)
"""
BUILT = "base = nn.Linear(2, 2)  # weight [[1, 2], [3, 4]], bias [10, 20]; "


@exercise("LoRALinear")
def test_fresh_layer_answers_like_its_base(student):
    code = LAYER + "result = [layer.lora_B, layer(torch.tensor([1.0, 1.0]))]"
    shown = BUILT + "layer = LoRALinear(base, 1, 1.0); [layer.lora_B, layer(tensor([1., 1.]))]"
    got = student.run(code, rank=1, alpha=1.0, shown=shown)
    expect(got, [matrix([0], [0]), torch.tensor([13.0, 27.0])], CLOSE)


@exercise("LoRALinear")
def test_forward_by_hand(student):
    # x A^T = 1 * 1 + 1 * 3 = 4, times B^T gives (4, 8), times alpha / rank = 0.5 gives (2, 4).
    code = LAYER + (
        "layer.lora_A.data.copy_(torch.tensor([[1.0, 3.0]]))\n"
        "layer.lora_B.data.copy_(torch.tensor([[1.0], [2.0]]))\n"
        "result = layer(torch.tensor([[1.0, 1.0]]))"
    )
    shown = BUILT + "A = [[1, 3]], B = [[1], [2]]; LoRALinear(base, 1, 0.5)(tensor([[1., 1.]]))"
    out = student.run(code, rank=1, alpha=0.5, shown=shown)
    expect(out, matrix([13 + 2, 27 + 4]), CLOSE)


@exercise("LoRALinear")
def test_only_a_and_b_learn(student):
    code = LAYER + "result = {n: [p.shape, p.requires_grad] for n, p in layer.named_parameters()}"
    shown = "{n: [p.shape, p.requires_grad] for n, p in layer.named_parameters()}  # rank 3"
    base = {"base.weight": [(2, 2), False], "base.bias": [(2,), False]}
    adapter = {"lora_A": [(3, 2), True], "lora_B": [(2, 3), True]}
    expect(student.run(code, rank=3, alpha=1.0, shown=shown), adapter | base)


@exercise("LoRALinear")
def test_scaling_is_alpha_over_rank(student):
    shown = "LoRALinear(base, 4, 8.0).scaling"
    expect(student.run(LAYER + "result = layer.scaling", rank=4, alpha=8.0, shown=shown), 2.0)


WEIGHT = matrix([1, 2], [3, 4])
A1, B1 = matrix([1, 5]), matrix([1], [2])


@exercise("merge")
def test_merge_by_hand(student):
    # B A = [[1, 5], [2, 10]], and alpha / r = 1.
    expect(student.merge(WEIGHT, A1, B1, 1.0), matrix([2, 7], [5, 14]), CLOSE)


@exercise("merge")
def test_merge_divides_by_the_rank(student):
    a, b = matrix([1, 0], [0, 1]), matrix([2, 0], [0, 4])
    expect(student.merge(WEIGHT, a, b, 1.0), matrix([2, 2], [3, 6]), CLOSE)


@exercise("merge")
def test_unmerge_takes_merge_back(student):
    merged = student.merge(WEIGHT, A1, B1, 2.0)
    # unmerge(merge(w, A, B, alpha), A, B, alpha) is w.
    expect(student.unmerge(merged, A1, B1, 2.0), WEIGHT, CLOSE)


@exercise("merge")
def test_half_precision_stays_half_precision(student):
    half = [tensor.to(torch.bfloat16) for tensor in (WEIGHT, A1, B1)]
    expect(student.merge(*half, 1.0), matrix([2, 7], [5, 14]), EXACT, dtypes=("bfloat16",))


MODEL = """
class Adapted(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.rank, self.alpha = base, rank, alpha
        self.lora = nn.Parameter(torch.zeros(rank))
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.o_proj, self.norm = nn.Linear(2, 2), nn.Linear(2, 2), nn.LayerNorm(2)
model = nn.Sequential(Block(), Block())
"""
MODEL_SHOWN = "model = Sequential(Block(), Block())  # Block: q_proj, o_proj (Linear), norm; "


@exercise("apply_lora")
def test_returns_what_it_replaced(student):
    code = MODEL + "result = apply_lora(model, targets, 2, 4.0, layer=Adapted)"
    for targets, paths in ((["q_proj"], ["0.q_proj", "1.q_proj"]), ([], [])):
        shown = MODEL_SHOWN + f"apply_lora(model, {targets}, 2, 4.0, layer=Adapted)"
        expect(student.run(code, targets=targets, shown=shown), paths)


@exercise("apply_lora")
def test_replaces_targets_and_nothing_else(student):
    code = MODEL + (
        "apply_lora(model, ['o_proj'], 2, 4.0, layer=Adapted)\n"
        "result = {name: type(child).__name__ for name, child in model[1].named_children()}\n"
        "result['told'] = [getattr(model[1].o_proj, n, None) for n in ('rank', 'alpha')]"
    )
    shown = MODEL_SHOWN + "apply_lora(model, ['o_proj'], 2, 4.0, layer=Adapted); model[1]"
    kinds = {"q_proj": "Linear", "o_proj": "Adapted", "norm": "LayerNorm"}
    expect(student.run(code, shown=shown), {**kinds, "told": [2, 4.0]})


@exercise("apply_lora")
def test_only_the_new_layers_learn(student):
    code = MODEL + (
        "apply_lora(model, ['q_proj'], 2, 4.0, layer=Adapted)\n"
        "result = [name for name, p in model.named_parameters() if p.requires_grad]"
    )
    shown = MODEL_SHOWN + "apply_lora(model, ['q_proj'], ...); names of trainable parameters"
    expect(student.run(code, shown=shown), ["0.q_proj.lora", "1.q_proj.lora"])


@exercise("best_rank_k")
def test_the_larger_value_is_kept(student):
    # The singular values are 4 and 3: rank 1 keeps the 4, and what is lost is the 3.
    approximation, error = student.best_rank_k(matrix([3, 0], [0, -4]), 1)
    expect(approximation, matrix([0, 0], [0, -4]), CLOSE)
    expect(error, 3.0, CLOSE)


@exercise("best_rank_k")
def test_rank_zero_loses_everything(student):
    approximation, error = student.best_rank_k(matrix([3, 0, 0], [0, 4, 0]), 0)
    expect(approximation, torch.zeros(2, 3), CLOSE)
    expect(error, 5.0, CLOSE)  # sqrt(3^2 + 4^2)


@exercise("best_rank_k")
def test_full_rank_loses_nothing(student):
    delta = matrix([1, 2], [3, 4], [5, 6])
    approximation, error = student.best_rank_k(delta, 2)
    expect(approximation, delta, Tolerance(1e-4, 1e-4, "float32 SVD and back"))
    expect(error, 0.0)


@exercise("memory_estimate")
def test_mixed_precision_by_hand(student):
    # Weights 100 * 2 + 10 * 2, gradients 10 * 2, optimizer 10 * (4 + 4 + 4).
    parts = {"weights": 220, "gradients": 20, "optimizer": 120, "activations": 0, "total": 360}
    expect(student.memory_estimate(100, 10), parts)


@exercise("memory_estimate")
def test_float32_needs_no_master_copy(student):
    parts = {"weights": 40, "gradients": 40, "optimizer": 80, "activations": 7, "total": 167}
    expect(student.memory_estimate(0, 10, trainable_bytes=4, activations=7), parts)


@exercise("memory_estimate")
def test_four_bit_weights_round_up(student):
    parts = {"weights": 3, "gradients": 0, "optimizer": 0, "activations": 0, "total": 3}
    expect(student.memory_estimate(5, 0, frozen_bytes=0.5), parts)


@exercise("break_even")
def test_two_months(student):
    # (3 - 1) USD * 5 million tokens = 10 USD saved a month.
    expect(student.break_even(20.0, 3.0, 1.0, 5_000_000), 2.0, CLOSE)


@exercise("break_even")
def test_never_is_infinity_and_free_pays_at_once(student):
    expect(student.break_even(20.0, 1.0, 3.0, 5_000_000), math.inf)
    expect(student.break_even(0.0, 3.0, 1.0, 5_000_000), 0.0)


SWAP = """
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(2, 2)
        self.lora_A = nn.Parameter(torch.tensor([[1.0, 2.0]]))
        self.lora_B = nn.Parameter(torch.tensor([[3.0], [4.0]]))
model = nn.ModuleDict({"q_proj": Layer(), "norm": nn.LayerNorm(2)})
layer, kept = model["q_proj"], list(model["q_proj"].parameters(recurse=False))
new = {"q_proj": (torch.tensor([[5.0, 6.0]]), torch.tensor([[7.0], [8.0]]))}
"""
OLD_PAIR, NEW_PAIR = [matrix([1, 2]), matrix([3], [4])], [matrix([5, 6]), matrix([7], [8])]
SWAP_SHOWN = (
    "layer has A [[1, 2]] and B [[3], [4]]; swap_adapter(model, {'q_proj': ([[5, 6]], ...)})"
)


@exercise("swap_adapter")
def test_returns_the_old_adapter(student):
    got = student.run(SWAP + "result = swap_adapter(model, new)", shown=SWAP_SHOWN)
    expect(got, {"q_proj": OLD_PAIR})


@exercise("swap_adapter")
def test_the_layer_holds_the_new_adapter(student):
    code = SWAP + "swap_adapter(model, new)\nresult = [layer.lora_A, layer.lora_B]"
    expect(student.run(code, shown=SWAP_SHOWN + "; [layer.lora_A, layer.lora_B]"), NEW_PAIR)


@exercise("swap_adapter")
def test_an_optimizer_keeps_its_parameters(student):
    same = "result = [kept[0] is layer.lora_A, kept[1] is layer.lora_B]"
    code = SWAP + "swap_adapter(model, new)\n" + same
    shown = SWAP_SHOWN + "; are layer.lora_A and layer.lora_B the same parameters as before?"
    expect(student.run(code, shown=shown), [True, True])


@exercise("best_learning_rate")
def test_the_lowest_loss_wins(student):
    losses = {(4, 1e-4): 2.0, (4, 1e-3): 1.5, (4, 1e-2): 3.0}
    expect(student.best_learning_rate(losses), {4: 1e-3})


@exercise("best_learning_rate")
def test_each_rank_on_its_own(student):
    losses = {(1, 1e-4): 2.0, (1, 1e-3): 2.5, (16, 1e-4): 1.0, (16, 1e-3): 0.5}
    expect(student.best_learning_rate(losses), {1: 1e-4, 16: 1e-3}, ordered=True)


@exercise("best_learning_rate")
def test_a_diverged_run_never_wins(student):
    losses = {(4, 1e-4): 2.0, (4, 1e-3): math.nan, (8, 1e-3): math.inf}
    expect(student.best_learning_rate(losses), {4: 1e-4})


@exercise("best_learning_rate")
def test_no_runs_no_answer(student):
    expect(student.best_learning_rate({}), {})


BAD_RANK = LAYER + "result = layer"
BAD_TARGET = MODEL + "result = apply_lora(model, ['v_proj'], 2, 4.0, layer=Adapted)"
BAD_PATH = SWAP + "result = swap_adapter(model, {**new, 'k_proj': new['q_proj']})"
BAD_TARGET_SHOWN = MODEL_SHOWN + "apply_lora(model, ['v_proj'], ...)"
BAD_PATH_SHOWN = "layer is the only one; swap_adapter(model, {'q_proj': ..., 'k_proj': ...})"
REFUSED = {
    "lora_parameter_count": lambda s: s.lora_parameter_count({Q0: (6, 4)}, 0, ["q_proj"]),
    "LoRALinear": lambda s: s.run(BAD_RANK, rank=0, alpha=1.0, shown="LoRALinear(base, 0, 1.0)"),
    "merge": lambda s: s.merge(WEIGHT, matrix([1, 2, 3]), B1, 1.0),
    "apply_lora": lambda s: s.run(BAD_TARGET, shown=BAD_TARGET_SHOWN),
    "best_rank_k": lambda s: s.best_rank_k(matrix([1, math.nan]), 1),
    "memory_estimate": lambda s: s.memory_estimate(10, 10, trainable_bytes=3),
    "break_even": lambda s: s.break_even(20.0, -3.0, 1.0, 5_000_000),
    "swap_adapter": lambda s: s.run(BAD_PATH, shown=BAD_PATH_SHOWN),
}


@pytest.mark.parametrize(
    "call", [pytest.param(call, id=name, marks=exercise(name)) for name, call in REFUSED.items()]
)
def test_bad_input_is_refused(student, call):
    refuses(student, call, ValueError)
