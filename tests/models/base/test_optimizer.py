"""The optimizer of pretraining against torch's own, and against what it promises."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from shared.models.base import network, optimizer
from shared.models.base.recipe import Recipe


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(rows=st.integers(2, 40), columns=st.integers(2, 40), seed=st.integers(0, 99))
def test_orthogonal_keeps_directions_and_evens_out_their_sizes(
    rows: int, columns: int, seed: int
) -> None:
    matrix = normal(rows, columns, seed=seed)
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    found = optimizer.orthogonal(matrix[None])[0]
    inside = left.mT @ found @ right.mT
    assert torch.allclose(inside, torch.diag(inside.diagonal()), atol=1e-3)
    clear = sizes > 0.05 * sizes.norm()  # five steps do not reach the smallest
    assert inside.diagonal()[clear].min() > 0.6
    assert inside.diagonal().max() < 1.3


@pytest.mark.parametrize("shape", [(24, 24), (48, 16), (16, 48)])
def test_muon_takes_the_steps_of_torchs_own(shape: tuple[int, int]) -> None:
    ours, theirs = (Parameter(normal(*shape)) for _ in range(2))
    one = optimizer.Muon([ours], lr=0.02, momentum=0.9, weight_decay=0.1)
    other = torch.optim.Muon([theirs], lr=0.02, momentum=0.9, weight_decay=0.1)
    for seed in range(1, 6):
        ours.grad, theirs.grad = normal(*shape, seed=seed), normal(*shape, seed=seed)
        one.step()
        other.step()
    # torch iterates in bfloat16, which keeps 8 bits: five steps of 0.02 differ by that much.
    assert torch.allclose(ours, theirs, atol=5 * 0.02 * 2**-6)
    assert (ours - normal(*shape)).abs().max() > 0.02


def test_matrices_of_one_shape_do_not_disturb_each_other() -> None:
    together = [Parameter(normal(8, 6, seed=n)) for n in range(3)]
    alone = [Parameter(one.detach().clone()) for one in together]
    optimizers = [optimizer.Muon(together, lr=0.1), *(optimizer.Muon([p], lr=0.1) for p in alone)]
    for n, pair in enumerate(zip(together, alone, strict=True), start=10):
        for parameter in pair:
            parameter.grad = normal(8, 6, seed=n)
    for one in optimizers:
        one.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(together, alone, strict=True))


def test_muon_refuses_what_is_no_matrix() -> None:
    with pytest.raises(ValueError, match=r"not parameters of shape \(5,\)"):
        optimizer.Muon([Parameter(torch.zeros(5))], lr=0.1)


def test_every_parameter_of_the_model_has_one_optimizer_and_moments() -> None:
    recipe = Recipe(steps=2, rows=1, warmup=1)
    model = network.new_model(0)
    optimizers = optimizer.make(model, recipe)
    groups = [*optimizers.matrices.param_groups, *optimizers.rest.param_groups]
    held = [id(p) for group in groups for p in group["params"]]
    assert sorted(held) == sorted(map(id, model.parameters()))
    assert all(optimizers.moments(p) == {} for p in model.parameters())
    model(input_ids=torch.tensor([[1, 2, 3]]), labels=torch.tensor([[1, 2, 3]])).loss.backward()
    optimizers.step(0.5)
    names = {name: set(optimizers.moments(p)) for name, p in model.named_parameters()}
    assert names["model.layers.0.self_attn.q_proj.weight"] == {"momentum"}
    assert names["lm_head.weight"] == names["model.norm.weight"] == {"exp_avg", "exp_avg_sq"}
    assert optimizers.matrices.param_groups[0]["lr"] == 0.5 * recipe.matrix_learning_rate
    assert all(p.grad is None for p in model.parameters())
