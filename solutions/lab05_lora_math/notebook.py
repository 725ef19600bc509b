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
# **150 minutes. Difficulty 3 of 5. Importance 5 of 5.**

# %% tags=["setup"]
import math
from collections.abc import Collection, Mapping

import numpy as np  # noqa: F401
import torch
from torch import Tensor, nn

torch.manual_seed(0)

# %% tags=["tools"]
from autograder.check import check

# %% [markdown]
# ## Exercise 1: count what LoRA trains
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
