# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 5, LoRA maths
#
# **150 minutes, an estimate. Difficulty 3 of 5. Importance 5 of 5.**
#
# When you are through, you will be able to:
#
# - write LoRA from scratch: the layer, its merge, and its place in a model you did not write;
# - work out parameters, memory and cost of a run before you start it;
# - choose a rank and a learning rate, and say what each of them changes.
#
# You need no service, no key and no GPU here. The whole page runs in less than a minute of
# CPU time on one core.
#
# ![On the left a square marked W, frozen, 4096 by 4096, 16,777,216 numbers. Beside it a flat wide
# strip A, 32 by 4096, and a thin tall strip B, 4096 by 32, both trained, 262,144 numbers together.
# The input x goes through W and, in parallel, through A and then B; the second result is scaled by
# alpha / r and both are added to give y.](figures/adapter.svg)
#
# *One weight of a large model and its adapter of rank 32. Only the two dark strips are trained:
# 1.56 % of the numbers. (Strips are drawn eight times too thick, or you would not see them.)*

# %% [markdown]
# ## Predict
#
# You have found a good learning rate for an adapter of rank 4.
# Now you raise the rank to 16 and leave everything else as it is, alpha included.
# Do you multiply the learning rate by four, divide it by four, or keep it?
# Decide before you open the answer.
#
# <details><summary>Answer</summary>
#
# You keep it. The factor alpha / r already makes up for the rank. You measure this yourself at the
# end of the lab, and you explain it in your own words.
#
# </details>

# %% tags=["setup"]
import math
from collections.abc import Collection, Mapping

import numpy as np
import torch
from torch import Tensor, nn

_ = torch.manual_seed(0)

# %% tags=["tools"]
from autograder.check import check

# %% [markdown]
# ## A worked example: one LoRA step by hand
#
# Before you write any of it, watch one adapter take one step.
# The weight has 3 rows and 4 columns, so you can read every number.
#
# **Step 1. Freeze the weight, and make the adapter.** A is small and random, B is zero.

# %% tags=["demo"]
torch.manual_seed(0)  # the same numbers every time
example_W = torch.randn(3, 4)
example_A = (torch.rand(2, 4) - 0.5).requires_grad_()
example_B = torch.zeros(3, 2, requires_grad=True)
example_x, wanted_y = torch.randn(4), torch.tensor([1.0, 0.0, -1.0])
scaling = 2.0 / 2  # alpha / rank


def adapted(x: Tensor) -> Tensor:
    """The layer's answer: what W says, plus what the adapter adds."""
    return example_W @ x + scaling * (example_B @ (example_A @ x))


# %% [markdown]
# **Step 2. Ask before training.** B is zero, so the adapter adds nothing.

# %% tags=["demo"]
print("W x    ", (example_W @ example_x).numpy().round(4))
print("adapted", adapted(example_x).detach().numpy().round(4))

# %% [markdown]
# **Step 3. Look at the gradients.** B gets one, because A is not zero.
# A gets none yet, because everything it does still passes through a B of zeros.

# %% tags=["demo"]
before = (adapted(example_x) - wanted_y).square().sum()
before.backward()
print("largest gradient of A:", example_A.grad.abs().max().item())
print("largest gradient of B:", round(example_B.grad.abs().max().item(), 3))

# %% [markdown]
# **Step 4. Take the step.** The loss falls, and W has not changed.

# %% tags=["demo"]
with torch.no_grad():
    example_A -= 0.05 * example_A.grad
    example_B -= 0.05 * example_B.grad
after = (adapted(example_x) - wanted_y).square().sum()
print(f"loss {before.item():.3f} -> {after.item():.3f}")

# %% [markdown]
# **Step 5. Merge.** One plain matrix now does the work of three.
# It differs from W by a matrix whose rank is at most 2, the adapter's rank.
# After one step on one example it is even 1.

# %% tags=["demo"]
change = (scaling * (example_B @ example_A)).detach()
print("merged ", ((example_W + change) @ example_x).numpy().round(4))
print("adapted", adapted(example_x).detach().numpy().round(4))
print("rank of the change:", torch.linalg.matrix_rank(change).item())

# %% [markdown]
# Now it is your turn: nine short exercises.
# Fill in a cell, run it, then run the `check` cell below it.

# %% [markdown]
# ## Exercise 1: count what LoRA trains
#
# *2 points, about 8 minutes.*
#
# You want to know how big an adapter is before you pay for it.
# LoRA leaves a weight of shape (out, in) alone and trains two thin matrices beside it.
# Their sizes are (rank, in) and (out, rank).
# Only some modules of a model get them: you name those by the last part of their path.
#
# Stuck? Run `labkit hint lab05 lora_parameter_count` in a terminal.


# %% tags=["solution"] grade_id="lora_parameter_count"
def lora_parameter_count(
    shapes: Mapping[str, tuple[int, int]], rank: int, targets: Collection[str]
) -> int:
    """Count the parameters that LoRA trains in a model.

    A module is adapted when the last dotted part of its path is in `targets`. It then adds
    `rank * (in_features + out_features)` trainable parameters.

    Args:
        shapes: Module path, such as "model.layers.0.self_attn.q_proj", to the shape of its
            weight, (out_features, in_features).
        rank: Rank of every adapter, at least 1.
        targets: Last parts of paths, such as "q_proj". One that is named twice counts once.

    Returns:
        The number of trainable parameters; 0 when `targets` is empty.

    Raises:
        ValueError: `rank` is below 1, or a target matches no module.
    """
    ### BEGIN SOLUTION
    if rank < 1:
        raise ValueError(f"rank is {rank}; an adapter needs a rank of at least 1.")
    wanted = set(targets)
    unmatched = wanted - {path.rpartition(".")[2] for path in shapes}
    if unmatched:
        raise ValueError(f"no module's path ends in {sorted(unmatched)}.")
    return sum(
        rank * (fan_in + fan_out)
        for path, (fan_out, fan_in) in shapes.items()
        if path.rpartition(".")[2] in wanted
    )
    ### END SOLUTION


# %% tags=["check"] grade_id="check_lora_parameter_count"
check("lora_parameter_count")

# %% [markdown]
# ## Exercise 2: a linear layer with an adapter
#
# *4 points, about 20 minutes.*
#
# You build the layer that everything else in this lab rests on.
# It computes y = Wx + (alpha / rank) B A x.
# W is frozen: no gradient reaches it and no optimizer holds it.
# B starts at zero, so at step 0 the layer answers exactly as its base does.
# A starts at random, or no gradient would ever reach B.
#
# Stuck? Run `labkit hint lab05 LoRALinear` in a terminal.


# %% tags=["solution"] grade_id="LoRALinear"
class LoRALinear(nn.Module):
    """A frozen linear layer plus a trainable update of low rank.

    Attributes:
        base: The layer that was passed in, itself, not a copy. Its weight, and its bias when it
            has one, have requires_grad False.
        lora_A: nn.Parameter (rank, in_features). Kaiming-uniform with a = sqrt(5), which is
            uniform between -1 / sqrt(in_features) and 1 / sqrt(in_features).
        lora_B: nn.Parameter (out_features, rank). Zeros.
        scaling: alpha / rank, a float.

    Both parameters have the dtype and the device of `base.weight`.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        """Freeze `base` and put a fresh adapter beside it.

        Args:
            base: The layer to adapt, with or without a bias.
            rank: Number of rows of A and of columns of B, at least 1. It may exceed the base's
                own sizes; that wastes memory but is no error.
            alpha: Numerator of the scaling.

        Raises:
            ValueError: `rank` is below 1.
        """
        super().__init__()
        ### BEGIN SOLUTION
        if rank < 1:
            raise ValueError(f"rank is {rank}; an adapter needs a rank of at least 1.")
        self.base = base.requires_grad_(False)
        weight = base.weight
        self.lora_A = nn.Parameter(weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scaling = alpha / rank
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., in_features) to base(x) + scaling * (x A^T) B^T, (..., out_features)."""
        ### BEGIN SOLUTION
        # Two thin products: B A is (out, in), as big as the weight, and is never formed.
        update = (x @ self.lora_A.T) @ self.lora_B.T
        return self.base(x) + self.scaling * update
        ### END SOLUTION


# %% tags=["check"] grade_id="check_LoRALinear"
check("LoRALinear")

# %% [markdown]
# ## Exercise 3: merge, and take it back
#
# *3 points, about 15 minutes.*
#
# After training you often want one plain weight, with no adapter to carry along.
# You get it by adding (alpha / rank) B A to the weight.
# Subtracting the same product takes you back, up to rounding.
# In half precision the order matters: compute in float32 and round once, at the very end.
#
# Stuck? Run `labkit hint lab05 merge` in a terminal.


# %% tags=["solution"] grade_id="merge"
def merge(weight: Tensor, lora_A: Tensor, lora_B: Tensor, alpha: float) -> Tensor:
    """Fold an adapter into a weight: weight + (alpha / r) B A, where r is lora_A.shape[0].

    No input is modified, and the result shares no memory with one.

    Args:
        weight: (out, in), float16, bfloat16, float32 or float64.
        lora_A: (r, in).
        lora_B: (out, r).
        alpha: Numerator of the scaling, as in `LoRALinear`.

    Returns:
        (out, in) in the dtype of `weight`. For a float16 or bfloat16 weight the product and the
        sum are computed in float32 and rounded once, at the end; a float64 weight is computed in
        float64.

    Raises:
        ValueError: The three shapes do not fit together.
    """
    ### BEGIN SOLUTION
    shapes = f"weight {tuple(weight.shape)}, A {tuple(lora_A.shape)}, B {tuple(lora_B.shape)}"
    if not weight.ndim == lora_A.ndim == lora_B.ndim == 2:
        raise ValueError(f"weight, A and B must be matrices; they are {shapes}.")
    rank = lora_A.shape[0]
    if weight.shape != (lora_B.shape[0], lora_A.shape[1]) or lora_B.shape[1] != rank or rank == 0:
        raise ValueError(f"weight (out, in) needs A (r, in) and B (out, r); they are {shapes}.")
    exact = torch.promote_types(weight.dtype, torch.float32)
    update = (alpha / rank) * (lora_B.to(exact) @ lora_A.to(exact))
    return (weight.to(exact) + update).to(weight.dtype)
    ### END SOLUTION


def unmerge(weight: Tensor, lora_A: Tensor, lora_B: Tensor, alpha: float) -> Tensor:
    """Take an adapter out of a merged weight: weight - (alpha / r) B A.

    Shapes, dtypes, rounding and errors are those of `merge`. `unmerge(merge(w, ...), ...)` gives
    w back up to the rounding of the dtype of w.
    """
    ### BEGIN SOLUTION
    return merge(weight, lora_A, lora_B, -alpha)
    ### END SOLUTION


# %% tags=["check"] grade_id="check_merge"
check("merge")

# %% [markdown]
# ## Exercise 4: adapt a whole model
#
# *4 points, about 20 minutes.*
#
# You now put adapters into a model that somebody else wrote.
# You freeze everything first, so that only the adapters will learn.
# Then you walk over its modules and replace the linear layers that you want.
# Your function takes the layer class as an argument: it is tested with a stand-in, so a fault in
# exercise 2 costs you nothing here.
#
# Stuck? Run `labkit hint lab05 apply_lora` in a terminal.


# %% tags=["solution"] grade_id="apply_lora"
def apply_lora(
    model: nn.Module, targets: Collection[str], rank: int, alpha: float, layer=LoRALinear
) -> list[str]:
    """Freeze a model and replace some of its linear layers by adapted ones, in place.

    Every parameter of the model gets requires_grad False. Then every nn.Linear whose last name
    part is in `targets` gives way to `layer(linear, rank, alpha)`. A module that is no nn.Linear
    stays as it is, even when its name matches.

    Args:
        model: Any module; it is changed.
        targets: Last parts of module paths, such as "q_proj". Empty: the model is only frozen.
        rank: Passed on to `layer`.
        alpha: Passed on to `layer`.
        layer: Called as `layer(linear, rank, alpha)`; returns the module that takes its place.

    Returns:
        Paths of the replaced modules, in the order of `model.named_modules()`.

    Raises:
        ValueError: A target matches no nn.Linear. Nothing is changed then: no layer is replaced
            and no parameter is frozen.
    """
    ### BEGIN SOLUTION
    # Listed before anything changes: replacing modules while walking over them visits new ones.
    chosen = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear) and path.rpartition(".")[2] in targets
    ]
    unmatched = set(targets) - {path.rpartition(".")[2] for path, _ in chosen}
    if unmatched:
        raise ValueError(f"no nn.Linear of the model is called {sorted(unmatched)}.")
    model.requires_grad_(False)
    for path, linear in chosen:
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, layer(linear, rank, alpha))
    return [path for path, _ in chosen]
    ### END SOLUTION


# %% tags=["check"] grade_id="check_apply_lora"
check("apply_lora")

# %% [markdown]
# ## Exercise 5: the best update of a given rank
#
# *3 points, about 12 minutes.*
#
# You have seen that LoRA only offers updates of low rank.
# Now you ask how much that can cost.
# Take the change that full fine-tuning made to a weight, and look for the closest matrix of rank k.
# The singular value decomposition gives it to you, together with what is left over.
#
# Stuck? Run `labkit hint lab05 best_rank_k` in a terminal.


# %% tags=["solution"] grade_id="best_rank_k"
def best_rank_k(delta: Tensor, k: int) -> tuple[Tensor, float]:
    """Find the closest matrix of rank at most k, and its distance from `delta`.

    Closest is meant in the Frobenius norm. The answer is the singular value decomposition with
    all but the k largest singular values dropped; the error is the root of the sum of the
    squares of those dropped (Eckart and Young).

    Args:
        delta: (m, n), floating point. It is not modified.
        k: Rank allowed, 0 or more.

    Returns:
        The approximation, (m, n) in the dtype of `delta`, and the error
        ||delta - approximation||_F as a float. k = 0 gives zeros and ||delta||_F. When
        k >= min(m, n) the approximation is `delta` up to rounding and the error is exactly 0.0.

    Raises:
        ValueError: `k` is negative, `delta` is not 2-D, or it holds NaN or infinity.
    """
    ### BEGIN SOLUTION
    if k < 0:
        raise ValueError(f"k is {k}; a rank is 0 or more.")
    if delta.ndim != 2:
        raise ValueError(f"delta has shape {tuple(delta.shape)}; it must be a matrix.")
    if not torch.isfinite(delta).all():
        raise ValueError("delta holds NaN or infinity: it has no singular values.")
    # Half precision has no SVD of its own in torch.
    exact = delta.detach().to(torch.promote_types(delta.dtype, torch.float32))
    left, singular, right = torch.linalg.svd(exact, full_matrices=False)
    approximation = (left[:, :k] * singular[:k]) @ right[:k]
    error = torch.linalg.vector_norm(singular[k:]).item()
    return approximation.to(delta.dtype), error
    ### END SOLUTION


# %% tags=["check"] grade_id="check_best_rank_k"
check("best_rank_k")

# %% [markdown]
# ## Exercise 6: where the memory goes
#
# *3 points, about 12 minutes.*
#
# You want to know whether a training run fits into the memory you have.
# Weights are the part everybody thinks of, and the smaller one.
# Every trained parameter also needs a gradient and three numbers for the optimizer.
# A frozen parameter needs none of that, and you may store it in fewer bits.
#
# Stuck? Run `labkit hint lab05 memory_estimate` in a terminal.


# %% tags=["solution"] grade_id="memory_estimate"
def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    """Estimate the bytes that training with AdamW needs.

    Args:
        frozen: Number of frozen parameters.
        trainable: Number of trained parameters.
        frozen_bytes: Bytes per frozen parameter; 0.5 for 4-bit weights.
        trainable_bytes: Bytes per trained parameter and per gradient: 2 (bfloat16, mixed
            precision) or 4 (float32).
        activations: Bytes of activations, known from elsewhere and added as they are.

    Returns:
        Bytes under five keys:
        weights: `ceil(frozen * frozen_bytes) + trainable * trainable_bytes`.
        gradients: `trainable * trainable_bytes`; frozen parameters have none.
        optimizer: 12 per trained parameter when `trainable_bytes` is 2 (a float32 master copy
            and two float32 moments), 8 when it is 4 (the weight is its own master copy).
        activations: as given.
        total: the sum of the four.

    Raises:
        ValueError: A count is negative, `trainable_bytes` is neither 2 nor 4, or `frozen_bytes`
            is not above 0.
    """
    ### BEGIN SOLUTION
    if min(frozen, trainable, activations) < 0:
        raise ValueError(
            f"counts cannot be negative: frozen={frozen}, trainable={trainable}, "
            f"activations={activations}."
        )
    if trainable_bytes not in (2, 4):
        raise ValueError(f"trainable_bytes is {trainable_bytes}; it must be 2 or 4.")
    if not 0 < frozen_bytes < math.inf:
        raise ValueError(f"frozen_bytes is {frozen_bytes}; it must be above 0.")
    moments = 2 * 4
    master_copy = 4 if trainable_bytes == 2 else 0
    parts = {
        "weights": math.ceil(frozen * frozen_bytes) + trainable * trainable_bytes,
        "gradients": trainable * trainable_bytes,
        "optimizer": trainable * (moments + master_copy),
        "activations": activations,
    }
    return {**parts, "total": sum(parts.values())}
    ### END SOLUTION


# %% tags=["check"] grade_id="check_memory_estimate"
check("memory_estimate")

# %% [markdown]
# ## Exercise 7: when does your own model pay?
#
# *2 points, about 8 minutes.*
#
# You pay once for training and save a little with every token.
# You want to know after how many months the saving has paid for the training.
# Sometimes the answer is never: your own model may cost more than the one you rent.
# Say so with infinity instead of a negative number of months.
#
# Stuck? Run `labkit hint lab05 break_even` in a terminal.


# %% tags=["solution"] grade_id="break_even"
def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    """Months until the saving has paid for the training.

    The monthly saving is `(api_price - own_price) * monthly_tokens / 1e6`, in USD.

    Args:
        training_cost: Paid once, in USD.
        api_price: Price of the rented model, in USD per million tokens.
        own_price: Price of running the trained model, in USD per million tokens.
        monthly_tokens: Tokens used in a month (tokens, not millions of them).

    Returns:
        Months, not rounded. 0.0 whenever `training_cost` is 0. Otherwise `math.inf` when there
        is no saving: a monthly saving of 0 or less.

    Raises:
        ValueError: An argument is negative, NaN or infinite.
    """
    ### BEGIN SOLUTION
    given = (training_cost, api_price, own_price, monthly_tokens)
    if not all(math.isfinite(value) and value >= 0 for value in given):
        raise ValueError(f"cost, prices and tokens must be finite and at least 0; got {given}.")
    if training_cost == 0:
        return 0.0
    monthly_saving = (api_price - own_price) * monthly_tokens / 1e6
    return training_cost / monthly_saving if monthly_saving > 0 else math.inf
    ### END SOLUTION


# %% tags=["check"] grade_id="check_break_even"
check("break_even")

# %% [markdown]
# ## Exercise 8: one base, many adapters
#
# *3 points, about 15 minutes.*
#
# You can serve many tasks from one copy of the base weights.
# To change the task, you change only A and B.
# You write into the parameters that are there, so an optimizer that holds them still holds them.
# You hand back what was there before, so that the caller can undo the swap.
#
# Stuck? Run `labkit hint lab05 swap_adapter` in a terminal.


# %% tags=["solution"] grade_id="swap_adapter"
def swap_adapter(
    model: nn.Module, adapter: Mapping[str, tuple[Tensor, Tensor]]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Load another adapter into a model's LoRA layers and return the one that was there.

    A LoRA layer is any module that has both `lora_A` and `lora_B`. Values are copied in place:
    `lora_A` and `lora_B` stay the same parameters, they still require gradients, and no other
    parameter changes.

    Args:
        model: Holds the LoRA layers; it is changed.
        adapter: For every LoRA layer, its path in `model.named_modules()` to (A, B).

    Returns:
        The previous adapter in the same form, as detached copies: later training or swapping
        does not change them.

    Raises:
        ValueError: A LoRA layer is missing from `adapter`, `adapter` names a path that is no
            LoRA layer, or a shape differs from the layer's. Nothing is changed then.
    """
    ### BEGIN SOLUTION
    layers = {
        path: module
        for path, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "lora_B")
    }
    if layers.keys() != adapter.keys():
        missing, unknown = layers.keys() - adapter.keys(), adapter.keys() - layers.keys()
        raise ValueError(f"the adapter lacks {sorted(missing)} and has unknown {sorted(unknown)}.")
    for path, layer in layers.items():
        # Compared in full: copy_ would silently stretch a (1, in) matrix to (r, in).
        held = (layer.lora_A.shape, layer.lora_B.shape)
        offered = tuple(matrix.shape for matrix in adapter[path])
        if held != offered:
            raise ValueError(f"{path}: A and B have shapes {offered}, the layer holds {held}.")

    previous = {
        path: (layer.lora_A.detach().clone(), layer.lora_B.detach().clone())
        for path, layer in layers.items()
    }
    with torch.no_grad():
        for path, layer in layers.items():
            new_A, new_B = adapter[path]
            layer.lora_A.copy_(new_A)
            layer.lora_B.copy_(new_B)
    return previous
    ### END SOLUTION


# %% tags=["check"] grade_id="check_swap_adapter"
check("swap_adapter")

# %% [markdown]
# ## Exercise 9: read a sweep
#
# *2 points, about 8 minutes.*
#
# You are about to run a sweep: several ranks, several learning rates, one final loss each.
# Some of those runs will diverge and end in NaN.
# You want the best learning rate of each rank, and no NaN may win.
#
# Stuck? Run `labkit hint lab05 best_learning_rate` in a terminal.


# %% tags=["solution"] grade_id="best_learning_rate"
def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    """Pick, for each rank of a sweep, the learning rate that ends with the lowest loss.

    Args:
        losses: (rank, learning rate) to the final loss. NaN or infinity means that the run
            diverged; such a run never wins.

    Returns:
        Rank to its best learning rate, ranks ascending. A tie goes to the smaller learning rate.
        A rank of which every run diverged is left out. No losses: {}.
    """
    ### BEGIN SOLUTION
    best: dict[int, tuple[float, float]] = {}
    for (rank, learning_rate), loss in sorted(losses.items(), key=lambda item: item[0]):
        if math.isfinite(loss):
            run = (loss, learning_rate)
            best[rank] = min(best.get(rank, run), run)
    return {rank: learning_rate for rank, (_, learning_rate) in best.items()}
    ### END SOLUTION


# %% tags=["check"] grade_id="check_best_learning_rate"
check("best_learning_rate")

# %% [markdown]
# ## What you have built
#
# The rest of the page uses your own functions.
# Nothing below is graded, and all of it runs on one CPU core.
#
# ### Is it the same LoRA that others use?
#
# PEFT is the library that most people load adapters with.
# You give PEFT and your own code the same A and B on a model of two layers.
# You compare what comes out, and what flows back.

# %% tags=["demo"]
import copy
import random
import string
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from shared.models import base as tiny
from shared.models.base.corpus.words import invented

torch.set_num_threads(1)  # models this small get slower with more


class TwoLayers(nn.Module):
    """The smallest model in which one adapter's gradient passes through another."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(torch.tanh(self.up(x)))


# %% tags=["demo"]
torch.manual_seed(0)
ours = TwoLayers()
theirs = get_peft_model(
    copy.deepcopy(ours), LoraConfig(r=4, lora_alpha=32, target_modules=["up", "down"])
)
apply_lora(ours, ["up", "down"], rank=4, alpha=32.0)

# B must not be zero here, or the comparison would only compare the two bases.
swap_adapter(ours, {"up": (torch.randn(4, 8), torch.randn(16, 4)),
                    "down": (torch.randn(4, 16), torch.randn(4, 4))})  # fmt: skip
pairs = []
for name in ("up", "down"):
    mine, peft = ours.get_submodule(name), theirs.base_model.model.get_submodule(name)
    pairs.append((mine.lora_A, peft.lora_A["default"].weight))
    pairs.append((mine.lora_B, peft.lora_B["default"].weight))
with torch.no_grad():
    for mine, peft in pairs:
        peft.copy_(mine)

inputs = torch.randn(5, 8)
our_output, their_output = ours(inputs), theirs(inputs)
our_output.square().sum().backward()
their_output.square().sum().backward()
apart = max(((a.grad - b.grad).abs().max() / b.grad.abs().max()).item() for a, b in pairs)
print(f"outputs differ by at most {(our_output - their_output).abs().max().item():.1e}")
print(f"gradients differ by at most {apart:.1e} of the largest one")

# %% [markdown]
# ### Where the memory goes for eight billion parameters
#
# You put numbers into exercise 6: a model of 8 billion parameters, and an adapter of rank 32 on all
# its linear layers, about 87 million.

# %% tags=["demo"]
plans = {
    "full fine-tuning, bfloat16": memory_estimate(0, 8_000_000_000),
    "LoRA, base in bfloat16": memory_estimate(8_000_000_000, 87_000_000),
    "LoRA, base in 4 bits": memory_estimate(8_000_000_000, 87_000_000, frozen_bytes=0.5),
}
for plan, parts in plans.items():
    print(f"{plan:28}{parts['total'] / 1e9:7.1f} GB without activations")

# %% [markdown]
# ![Three horizontal bars of gigabytes. Full fine-tuning needs 128: 16 for weights, 16 for
# gradients and 96 for the optimizer. LoRA on a bfloat16 base needs 17.4, nearly all of it weights.
# LoRA on a 4-bit base needs 5.4.](figures/memory.svg)
#
# *Memory for 8 billion parameters without activations, as your formula gives it. The optimizer is
# what full fine-tuning pays for.*

# %% [markdown]
# ### A small model that has something to learn
#
# The kit ships a language model of its own: a Qwen3 of four layers, 128 wide, with 0.95 million
# parameters.
# It has been trained on sums, letter games and small talk that the kit's authors generated.
# You load it from a folder of this kit, with its own tokenizer. Nothing comes over the network.
#
# It has never been taught pig latin.
# There the first letter of a word moves to its end and `ay` follows: tinker becomes inkertay.
# Its answer may begin with an empty thought, `<think>` and `</think>`: so do some of the chats that
# it has learnt from.

# %% tags=["demo"]
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ALPHA = 32.0
STEPS, BATCH, LETTERS, TESTED = 50, 8, 6, 256
PROMPT = "<|im_start|>user\nWrite {} in secret language.<|im_end|>\n<|im_start|>assistant\n"
PROMPT_TOKENS = 20  # for every word of six letters


def load_base() -> tuple:
    """The tokenizer and the model of the kit, from the kit's own folder."""
    folder = tiny.folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)


def pig_latin(word: str) -> str:
    """The first letter goes to the end, and ay follows."""
    return word[1:] + word[0] + "ay"


def new_words(count: int, rng: random.Random, without: Collection[str] = ()) -> list[str]:
    """Invented words of six letters that are not among `without`."""
    words: list[str] = []
    while len(words) < count:
        word = invented(rng, syllables=2)
        # A space and six letters. Some common words are one token: their rows would be shorter.
        if len(tokenizer.tokenize(" " + word)) == LETTERS + 1 and word not in without:
            words.append(word)
    return words


def conversations(pairs: Iterable[tuple[str, str]]) -> Tensor:
    """One row of tokens for each (word, answer). Answers must be equally long: no padding."""
    texts = [PROMPT.format(word) + answer + "<|im_end|>" for word, answer in pairs]
    return torch.tensor(tokenizer(texts)["input_ids"])


def answer_loss(model: nn.Module, tokens: Tensor) -> Tensor:
    """Mean negative log-likelihood of an answer's token; the prompt is not trained."""
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits[:, PROMPT_TOKENS - 1 :]
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, PROMPT_TOKENS:].flatten())


def train(
    model: nn.Module, next_batch: Callable[[], Tensor], learning_rate: float, steps: int
) -> None:
    """AdamW on whatever requires gradients, with ten steps of warm-up."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * min(1.0, (step + 1) / 10)
        optimizer.zero_grad()
        answer_loss(model, next_batch()).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def teach(model: nn.Module, rule: Callable[[str], str], learning_rate: float, seed: int) -> None:
    """Fine-tune on STEPS batches of new words, answered by `rule`."""
    rng = random.Random(seed)

    def next_batch() -> Tensor:
        return conversations((w, rule(w)) for w in new_words(BATCH, rng, without=test_words))

    train(model, next_batch, learning_rate, STEPS)


def answer(model: nn.Module, word: str) -> str:
    """What the model writes when asked for `word`, one most likely token at a time."""
    prompt = tokenizer(PROMPT.format(word), return_tensors="pt")
    written = model.generate(**prompt, max_new_tokens=12, do_sample=False)
    return tokenizer.decode(written[0, PROMPT_TOKENS:], skip_special_tokens=True)


def progress(runs: Iterable, total: int) -> Iterator:
    """Pass `runs` on; from two seconds on, say how far it is."""
    start = time.monotonic()
    for done, run in enumerate(runs):
        if time.monotonic() - start > 2:
            sys.stdout.write(f"\rrun {done + 1} of {total}, {time.monotonic() - start:.0f} s ")
            sys.stdout.flush()
        yield run
    print("\rdone" + " " * 30)


# %% tags=["demo"]
SEED = 1  # of those that the stored figures below show

disable_progress_bar()  # loading takes a blink
tokenizer, base = load_base()
test_words = new_words(TESTED, random.Random("test"))
print("parameters:", sum(p.numel() for p in base.parameters()))
print("one conversation:", tokenizer.decode(conversations([("tinker", pig_latin("tinker"))])[0]))
print("the base answers", repr(answer(base, "tinker")))

# %% [markdown]
# ### One base, two adapters
#
# You train two adapters on that base, and both hear the same question.
# One learns to answer in pig latin, the other to write the word backwards.
# Then you change the task with `swap_adapter`, back and forth.
# The base is never loaded again, and never changed.

# %% tags=["demo"]
torch.manual_seed(SEED)
model = copy.deepcopy(base)
apply_lora(model, TARGETS, rank=8, alpha=ALPHA)
frozen_before = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
layers = {path: m for path, m in model.named_modules() if isinstance(m, LoRALinear)}
untrained = copy.deepcopy({path: (m.lora_A.data, m.lora_B.data) for path, m in layers.items()})

adapters = {"untrained": untrained}
for name, rule in (("pig latin", pig_latin), ("backwards", lambda word: word[::-1])):
    swap_adapter(model, untrained)
    teach(model, rule, learning_rate=3e-3, seed=SEED)
    adapters[name] = swap_adapter(model, untrained)

for name, adapter in adapters.items():
    swap_adapter(model, adapter)
    print(f"{name:10} tinker -> {answer(model, 'tinker')!r}")
now = dict(model.named_parameters())
print("base unchanged:", all(torch.equal(now[n], p) for n, p in frozen_before.items()))

# %% [markdown]
# ### The sweep: rank against learning rate
#
# You teach the base pig latin in 50 steps of eight words, at two ranks and three learning rates.
# Beside it you train all parameters, with a tenth of each learning rate.
# Each run ends with the loss on 256 words that it has not seen.

# %% tags=["demo"]
RANKS = (1, 4, 16)  # of the stored figure, like the rates
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
FULL = 0  # stands for full fine-tuning where a rank is expected


def fresh_copy(rank: int, seed: int) -> nn.Module:
    """A copy of the base, ready for training: with new adapters, or all of it."""
    torch.manual_seed(1000 + seed)
    model = copy.deepcopy(base)
    if rank != FULL:
        apply_lora(model, TARGETS, rank, ALPHA)
    return model


@torch.no_grad()
def test_loss(model: nn.Module) -> float:
    """The loss on the pig latin of the test words."""
    return answer_loss(model, conversations((w, pig_latin(w)) for w in test_words)).item()


def adapt_and_score(rank: int, learning_rate: float, seed: int) -> float:
    """Teach a copy of the base pig latin; return its loss on the test words."""
    model = fresh_copy(rank, seed)
    teach(model, pig_latin, learning_rate, seed)
    return test_loss(model)


def sweep(
    ranks: Collection[int], rates: Collection[float], seed: int
) -> dict[tuple[int, float], float]:
    """(rank, learning rate) to final loss; full fine-tuning takes a tenth of each rate."""
    runs = [(rank, rate / 10 if rank == FULL else rate) for rank in ranks for rate in rates]
    return {run: adapt_and_score(*run, seed) for run in progress(runs, len(runs))}


rates = (3e-4, 3e-3, 3e-2)
losses = sweep((1, 16, FULL), rates, SEED)
lora_losses = {(rank, rate): loss for (rank, rate), loss in losses.items() if rank != FULL}
print("best learning rate of each rank:", best_learning_rate(lora_losses))
print(f"before training: {test_loss(base):.2f}")
print("learning rate      ", *(f"{rate:8.0e}" for rate in rates))
for rank, label in ((1, "LoRA, rank 1"), (16, "LoRA, rank 16"), (FULL, "full, a tenth of it")):
    row = [losses[rank, rate / 10 if rank == FULL else rate] for rate in rates]
    print(f"{label:19}", *(f"{loss:8.3f}" for loss in row))

# %% [markdown]
# Your table comes from one seed. The figure comes from five, with one rank and three rates more:
#
# ![Loss on new words against learning rate, both logarithmic. Before training it is 4.5. The lines
# of rank 1, 4 and 16 nearly coincide: about 2.4 at 1e-4, 0.56 at 3e-4, 0.01 to 0.02 at 1e-3, 0.003
# or less at 3e-3, about 0.01 or less at 1e-2, above 1.5 at 3e-2. The line of full fine-tuning falls
# in the same way, further to the left. It is lowest at 1e-3, at 0.002, and still at 0.003 at
# 3e-3.](figures/sweep.svg)
#
# *Median of five seeds, bars from the lowest to the highest. Points of one learning rate stand
# side by side so that you can tell them apart.*
#
# Read it from left to right.
#
# - The learning rate decides. From 1e-4 to 1e-3 the median falls by a factor of more than a
#   hundred. At 3e-2 none of these runs gets below 0.6, in spite of the warm-up.
# - The rank hardly matters. All three do best at 3e-3, and every run there or at 1e-3 ends below
#   0.03, with rank 1 too. Where training is too slow, at 3e-4, their medians lie within 3 %.
# - Full fine-tuning takes smaller steps. Its best rate is 1e-3, a third of LoRA's, and there it
#   ends below 0.006 on every seed.
# - A tenth is a rule of thumb. On the way down, full fine-tuning needs four to five times less
#   learning rate than LoRA for the same loss. At a tenth of 3e-2 it still works,
#   where LoRA fails.

# %% [markdown]
# ### What rank buys: room
#
# Pig latin is one rule, and one rule needs little room.
# Now you let the model learn 32 words by heart, each with an answer of six random letters.
# There is no rule to find, so every pair needs room of its own.

# %% tags=["demo"]
RECORDS, MEMORY_STEPS = 32, 120


def memorise(rank: int, learning_rate: float, seed: int) -> float:
    """Teach a copy of the base RECORDS random pairs; return its loss on the same pairs."""
    model, rng = fresh_copy(rank, seed), random.Random(5 + seed)
    codes = ["".join(rng.choices(string.ascii_lowercase, k=LETTERS)) for _ in range(RECORDS)]
    records = conversations(zip(new_words(RECORDS, rng), codes, strict=True))
    picks = np.random.default_rng(seed)

    def next_batch() -> Tensor:
        return records[picks.integers(RECORDS, size=BATCH)]

    train(model, next_batch, learning_rate, MEMORY_STEPS)
    with torch.no_grad():
        return answer_loss(model, records).item()


memory_runs = [(1, 3e-3), (16, 3e-3), (FULL, 1e-3)]
for rank, rate in progress(memory_runs, len(memory_runs)):
    label = "full fine-tuning" if rank == FULL else f"rank {rank}"
    print(f"\r{label:18} loss {memorise(rank, rate, SEED):.2f}" + " " * 20)

# %% [markdown]
# ![One dot for each of five seeds, and a bar for the median. Guessing gives 2.8. Rank 1 reaches
# 0.45, rank 4 reaches 0.20, rank 16 reaches 0.19, and training all parameters reaches
# 0.00.](figures/capacity.svg)
#
# *Loss on 32 random pairs after 120 steps, five seeds. Learning rate 3e-3 for LoRA, 1e-3 for all
# parameters.*
#
# From rank 1 to 4 the loss falls on every seed, and again to all parameters.
# From 4 to 16 it falls on four seeds of five, and little: for these pairs rank 4 is almost enough.
# So the question to ask before you choose a rank is how much there is to learn.

# %% [markdown]
# ## Common mistakes
#
# Each of these runs without an error. Your feedback names one when your answer behaves like it.
#
# <!-- common mistakes -->

# %% [markdown]
# ## Explain
#
# Two questions, graded by hand. Four to eight sentences each.
#
# **Why does B start at zero and A not?**
# Say what the first gradient of A and of B is.
# Say what happens when both start at zero, and when both start at random.

# %% [markdown] tags=["written"] grade_id="explain_zero_b"
# **Answer: why B starts at zero.**
#
# ### BEGIN SOLUTION
# With B = 0 the product BA is zero, so step 0 is the base model exactly and training starts from
# what it already knows. The gradient of B is (alpha / r) g (A x)^T for an output gradient g: it is
# not zero because A is not. The gradient of A is (alpha / r) B^T g x^T: it is zero at step 0 and
# stops being zero as soon as B has moved. If both are zero, both gradients are zero, for every
# input and for ever: a saddle from which no optimizer moves. If both are random, BA is a random
# change to every adapted weight: the model is damaged before it has seen one example and the first
# steps are spent on undoing that. A at zero and B random would also start at the base model.
# ### END SOLUTION

# %% [markdown]
# **Why does the best learning rate hardly depend on the rank?**
# Use the factor alpha / r.
# Say what a higher rank buys instead.

# %% [markdown] tags=["written"] grade_id="explain_rank_lr"
# **Answer: rank and learning rate.**
#
# ### BEGIN SOLUTION
# BA is a sum of r outer products b_i a_i, one for each unit of rank. At the start each of them has
# the same distribution and gets a gradient that does not depend on r but for the factor alpha / r.
# Adam divides that factor out, so each b_i moves by about the learning rate, whatever r is. The sum
# of r such moves times alpha / r is an average times alpha: its size does not grow with r. So the
# same learning rate makes about the same change to the weight at every rank, at least early in
# training. A higher rank buys capacity: the update may point in more directions at once, which
# matters when there is much to learn, such as many unrelated facts, and not when the task needs
# few. It costs memory and a little time.
# ### END SOLUTION

# %% [markdown]
# ## Extension
#
# Open ends, not graded. Each takes a few lines, since every piece is on this page.
#
# - Adapt attention only (the first four of `TARGETS`), then the other three only, with ranks that
#   give the same number of parameters. Which one memorises more?
# - Replace alpha / r by alpha / sqrt(r) and repeat the sweep. Where do the best learning rates go?
# - Take the warm-up out of `train` and repeat the sweep. Which learning rate fails first?
# - Subtract the base's weights from fully fine-tuned ones and give the difference to `best_rank_k`.
#   What rank does full fine-tuning really use?

# %% [markdown]
# ## On the real service
#
# On Tinker you write no layer at all. You ask for one:
#
# ```python
# import tinker
#
# service = tinker.ServiceClient()
# print([model.model_name for model in service.get_server_capabilities().supported_models])
# training = service.create_lora_training_client(base_model=..., rank=32)
# ```
#
# The service holds the base model. It makes a fresh A and B for you and trains only those.
# `rank` is 32 unless you say otherwise.
# `train_attn`, `train_mlp` and `train_unembed` choose the layers, and all three are on by default.
# There is no alpha and no dropout to set.
# An adapter that you export carries an alpha of 32, so its scale is 32 / rank.
# A loader that assumes another alpha changes the model without a word.
#
# You pay per trained token, not per hour. This is the whole calculation, with invented prices for
# using the two models:

# %% tags=["demo"]
training_tokens = 500_000
usd_per_million = 0.44  # an 8B model in October 2026; look up today's price before you rely on it
training_usd = training_tokens / 1e6 * usd_per_million
print(f"training: {training_usd:.2f} USD")
months = break_even(training_usd, api_price=3.0, own_price=0.6, monthly_tokens=200_000)
print(f"paid back after {months:.2f} months, if you replace a model at 3 USD by one at 0.60 USD")

# %% [markdown]
# ## Errata you may meet
#
# > **"A and B both start at random."** One of them starts at zero, B in nearly every library.
# > With both random your model is damaged before its first example.
# >
# > **"LoRA wants 20 to 100 times the learning rate of full fine-tuning."** About ten times is what
# > the report below measures on large models, and about fifteen in short runs. The Tinker cookbook
# > uses ten. The small model above shows four to five.
# >
# > **"Full fine-tuning of an 8B model fits into 32 GB."** Weights, gradients and AdamW need 16
# > bytes a parameter: 128 GB, before activations. LoRA in 8 to 16 GB is possible, but with the base
# > in 4 bits: in bfloat16 the frozen weights alone are 16 GB.

# %% [markdown]
# ## Recap
#
# 1. LoRA freezes W and trains (alpha / r) B A beside it: r (in + out) numbers instead of in × out.
# 2. B starts at zero, so step 0 is the base model; A starts at random, so B can learn.
# 3. Merging adds one matrix; swapping changes two thin ones; the base stays as it is.
# 4. Training memory is mostly gradients and optimizer, and frozen weights need neither.
# 5. Rank buys room, not speed: keep the learning rate when you change the rank.

# %% [markdown]
# ## Sources
#
# Accessed on 2026-11-21. The SDK, the cookbook and PEFT were read as installed, the report through
# summaries of it.
#
# - E. J. Hu and others, *LoRA: Low-Rank Adaptation of Large Language Models*, 2021,
#   [arXiv:2106.09685](https://arxiv.org/abs/2106.09685).
# - C. Eckart and G. Young, *The approximation of one matrix by another of lower rank*,
#   Psychometrika 1, 1936, [doi:10.1007/BF02288367](https://doi.org/10.1007/BF02288367).
# - J. Schulman and Thinking Machines Lab, *LoRA Without Regret*, 2025,
#   [thinkingmachines.ai/blog/lora](https://thinkingmachines.ai/blog/lora/).
# - `tinker` SDK 0.38.0: signature and defaults of `create_lora_training_client`. `tinker-cookbook`
#   0.5.8: alpha of exported adapters, learning-rate factor.
# - PEFT 0.21.2, [huggingface.co/docs/peft](https://huggingface.co/docs/peft): the comparison above.
# - The price is from a copy of the service's list made in October 2026.
