"""Which losses there are, which inputs each reads and which settings it takes. No torch.

Names and inputs are hosted Tinker's published ones. Where Tinker publishes no default, ours is
marked as such. Leaves out the arithmetic: `shared.tinker.service.losses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.tinker.errors import UnsupportedError, UserError


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """`inputs` come with target_tokens, each shaped like it; `defaults` are the settings."""

    inputs: tuple[str, ...]
    defaults: Mapping[str, float] = field(default_factory=dict[str, float])
    many_targets: bool = False
    """Whether target_tokens may be (N, K)."""


_RATIO_INPUTS = ("logprobs", "advantages")

LOSS_SPECS: Mapping[str, LossSpec] = {
    "cross_entropy": LossSpec(inputs=("weights",), many_targets=True),
    "importance_sampling": LossSpec(inputs=_RATIO_INPUTS),
    "ppo": LossSpec(
        inputs=_RATIO_INPUTS,
        defaults={"clip_low_threshold": 0.8, "clip_high_threshold": 1.2},
    ),
    "cispo": LossSpec(
        inputs=_RATIO_INPUTS,
        defaults={"clip_low_threshold": 0.0, "clip_high_threshold": 4.0},
    ),
    # Tinker's page shows 0.05 in its example and states no default.
    "dro": LossSpec(inputs=_RATIO_INPUTS, defaults={"beta": 0.05}),
    # No thresholds are published for Tinker; these are ppo's. The paper's are far tighter
    # (Zheng et al. 2025, arXiv:2507.18071: 1 - 3e-4 and 1 + 4e-4).
    "gspo": LossSpec(
        inputs=(*_RATIO_INPUTS, "sequence_ratio_mask"),
        defaults={"clip_low_threshold": 0.8, "clip_high_threshold": 1.2},
    ),
}
"""Every loss this service computes."""

_ELSEWHERE = {
    "stable_reinforce": "its mathematics is not published",
    "custom": "the SDK computes custom losses on the client: call forward_backward_custom",
}


def loss_spec(name: str) -> LossSpec:
    """The spec of a loss. Raises UnsupportedError, which lists what exists, for any other name."""
    spec = LOSS_SPECS.get(name)
    if spec is None:
        reason = _ELSEWHERE.get(name, "no such loss is known")
        raise UnsupportedError(
            f"The loss {name!r} is not offered here: {reason}. "
            f"There are {', '.join(LOSS_SPECS)}; any other loss works by forward_backward_custom."
        )
    return spec


def loss_settings(name: str, config: Mapping[str, float | str]) -> dict[str, float]:
    """The settings of a loss: its defaults, overridden by `config`.

    Raises:
        UserError: an unknown setting, no finite number, a negative one, or low above high.
    """
    spec = loss_spec(name)
    settings = dict(spec.defaults)
    for key, value in config.items():
        if key not in spec.defaults:
            takes = ", ".join(spec.defaults) or "no settings"
            raise UserError(
                f"loss_fn_config[{key!r}] is not known to {name!r}, which takes {takes}. "
                "Remove it or correct its name."
            )
        # The comparison is false for NaN too.
        if isinstance(value, str) or not 0.0 <= value < float("inf"):
            raise UserError(
                f"loss_fn_config[{key!r}] is {value!r}; expected a finite number of 0 or more."
            )
        settings[key] = float(value)
    low, high = settings.get("clip_low_threshold"), settings.get("clip_high_threshold")
    if low is not None and high is not None and low > high:
        raise UserError(
            f"clip_low_threshold {low} is above clip_high_threshold {high}. Both bound the ratio "
            "itself, such as 0.8 and 1.2; swap them or correct one."
        )
    return settings
