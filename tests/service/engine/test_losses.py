"""The loss functions alone: values worked out by hand, and where their gradients stop."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service import losses
from shared.tinker.service.loss_specs import LOSS_SPECS, loss_settings, loss_spec


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# Ratios 2, 1/2 and 1 against the sampler.
SAMPLED = column(-1.0, -2.0, -3.0)
LOGPROBS = SAMPLED + column(math.log(2), -math.log(2), 0.0)
ADVANTAGES = column(1.0, -1.0, 3.0)
# A sum of three float64 terms.
EXACT = pytest.approx


def value_and_gradient(
    loss: object, *inputs: Tensor, **settings: float
) -> tuple[float, list[float]]:
    logprobs = LOGPROBS.clone().requires_grad_()
    found = loss(logprobs, *inputs, **settings)  # type: ignore[operator]
    found.backward()
    assert logprobs.grad is not None
    return found.item(), logprobs.grad.tolist()


def test_cross_entropy_is_the_weighted_sum() -> None:
    value, gradient = value_and_gradient(losses.cross_entropy, column(1.0, 0.0, 0.5))
    assert value == EXACT(-(-1.0 + math.log(2)) + 1.5)
    assert gradient == [-1.0, -0.0, -0.5]


def test_importance_sampling_weighs_by_the_ratio() -> None:
    value, gradient = value_and_gradient(losses.importance_sampling, SAMPLED, ADVANTAGES)
    assert value == EXACT(-(2.0 - 0.5 + 3.0))
    assert gradient == EXACT([-2.0, 0.5, -3.0])


def test_ppo_takes_the_worse_of_ratio_and_clipped_ratio() -> None:
    value, gradient = value_and_gradient(losses.ppo, SAMPLED, ADVANTAGES, low=0.8, high=1.2)
    assert value == EXACT(-(1.2 - 0.8 + 3.0))
    # Both moves that overshoot get no gradient.
    assert gradient == EXACT([0.0, 0.0, -3.0])


def test_ppo_keeps_the_gradient_of_a_move_in_the_wrong_direction() -> None:
    _, gradient = value_and_gradient(losses.ppo, SAMPLED, -ADVANTAGES, low=0.8, high=1.2)
    assert gradient == EXACT([2.0, -0.5, 3.0])


def test_cispo_bounds_the_weight_and_keeps_the_gradient() -> None:
    value, gradient = value_and_gradient(losses.cispo, SAMPLED, ADVANTAGES, low=0.8, high=1.2)
    expected = 1.2 * (-1 + math.log(2)) - 0.8 * (-2 - math.log(2)) + 3 * -3.0
    assert value == EXACT(-expected)
    assert gradient == EXACT([-1.2, 0.8, -3.0])


def test_dro_adds_a_quadratic_in_the_drift() -> None:
    value, gradient = value_and_gradient(losses.dro, SAMPLED, ADVANTAGES, beta=0.1)
    linear = float((LOGPROBS * ADVANTAGES).sum())
    assert value == EXACT(-(linear - 0.05 * 2 * math.log(2) ** 2))
    assert gradient == EXACT([-1 + 0.1 * math.log(2), 1 - 0.1 * math.log(2), -3.0])


def test_gspo_has_one_ratio_a_sequence_and_a_gradient_a_token() -> None:
    mask = column(1.0, 0.0, 1.0)
    ratio = math.sqrt(2)
    value, gradient = value_and_gradient(losses.gspo, SAMPLED, ADVANTAGES, mask, low=0.1, high=9.0)
    assert value == EXACT(-ratio * 3.0)
    assert gradient == EXACT([-ratio, ratio, -3 * ratio])
    value, gradient = value_and_gradient(losses.gspo, SAMPLED, ADVANTAGES, mask, low=0.8, high=1.2)
    assert value == EXACT(-(1.2 - ratio + 3.6))
    assert gradient == EXACT([0.0, ratio, 0.0])


@pytest.mark.parametrize("name", ["stable_reinforce", "custom", "reinforce", ""])
def test_an_unknown_loss_is_refused_with_a_list_of_those_there_are(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"cross_entropy.*gspo.*forward_backward_custom"):
        loss_spec(name)
    with pytest.raises(UnsupportedError):
        losses.compute_loss(
            name,
            LOGPROBS,
            {"logprobs": SAMPLED, "advantages": ADVANTAGES},
            {"clip_low_threshold": 0.0, "clip_high_threshold": 1.0},
        )


def test_the_published_defaults_hold() -> None:
    assert loss_settings("ppo", {}) == {"clip_low_threshold": 0.8, "clip_high_threshold": 1.2}
    assert loss_settings("cispo", {}) == {"clip_low_threshold": 0.0, "clip_high_threshold": 4.0}
    assert loss_settings("dro", {"beta": 1}) == {"beta": 1.0}
    assert all(loss_settings(name, {}) == dict(spec.defaults) for name, spec in LOSS_SPECS.items())


@pytest.mark.parametrize(
    ("name", "config", "what"),
    [
        ("ppo", {"clip_lo": 0.5}, "clip_low_threshold"),
        ("cross_entropy", {"beta": 0.5}, "no settings"),
        ("dro", {"beta": float("nan")}, "finite"),
        ("dro", {"beta": "0.5"}, "finite"),
        ("dro", {"beta": -0.5}, "0 or more"),
        ("ppo", {"clip_low_threshold": 1.3}, "above clip_high_threshold"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(
    name: str, config: dict[str, float | str], what: str
) -> None:
    with pytest.raises(UserError, match=what):
        loss_settings(name, config)
