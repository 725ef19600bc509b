"""What differs between servers, so that lab code names no model and no learning rate.

`preset()` looks at the models a server offers. The shipped model has a table of its own, measured
(see its model card): it wants rates ten to fifty times those of large models. For models that the
cookbook knows, its formula gives the rate of supervised training; the others follow from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.tinker.errors import NotFoundError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The settings of a lab on one server. Learning rates are AdamW's, for LoRA at any rank.

    Attributes:
        base_model: the model's name on this server.
        renderer_name: the cookbook's renderer for its chat format.
        sft_learning_rate: supervised fine-tuning, loss summed over a batch of 32 sequences.
        rl_learning_rate: GRPO and its kin.
        dpo_learning_rate: preference pairs.
        warmup_steps: steps of linear warm-up from 0; without them the highest rates diverge.
        rank: the LoRA rank the rates were measured with.
        max_tokens: how long an answer of the labs may get, in tokens.
    """

    base_model: str
    renderer_name: str
    sft_learning_rate: float
    rl_learning_rate: float
    dpo_learning_rate: float
    warmup_steps: int = 6
    rank: int = 32
    max_tokens: int = 64


_TINY = Preset(
    base_model="labkit/tiny",
    renderer_name="qwen3_instruct",
    sft_learning_rate=1e-2,
    rl_learning_rate=5e-4,
    dpo_learning_rate=3e-4,
    rank=16,
)

# The cookbook's recipes train RL at a tenth of its SFT rate and DPO at 1e-5.
_RL_SHARE = 0.1
_DPO_RATE = 1e-5


def preset(base_model: str | None = None, *, force_embedded: bool = False) -> Preset:
    """The settings for the server that `connect()` uses.

    Args:
        base_model: use this model; None: the shipped one where it is served, else the
            smallest chat model that the cookbook knows a renderer and a rate for.
        force_embedded: as for `connect`.

    Raises:
        NotFoundError: the server does not offer `base_model`, or none that is known.
        UnreachableError: no server answers.
        UserError: the server does not accept the key.
    """
    from shared.tinker.client import resolve
    from shared.tinker.reach import supported_models

    return choose(supported_models(resolve(force_embedded=force_embedded)), base_model)


def choose(offered: Sequence[str], base_model: str | None = None) -> Preset:
    """The settings for a server that offers these models; see `preset`.

    Raises:
        NotFoundError: as `preset`.
    """
    if base_model is not None and base_model not in offered:
        raise NotFoundError(f"This server does not offer {base_model}, only {', '.join(offered)}.")
    if base_model == _TINY.base_model or (base_model is None and _TINY.base_model in offered):
        return _TINY
    names = [base_model] if base_model is not None else list(offered)
    known = [found for name in names if (found := _large(name)) is not None]
    if not known:
        raise NotFoundError(
            f"No learning rate is known for {', '.join(names) or 'a server without models'}. "
            "Write Preset(base_model=..., renderer_name=..., ...) yourself, or unset "
            "TINKER_BASE_URL and TINKER_API_KEY to use the embedded service."
        )
    return min(known, key=lambda found: _cost(found.base_model))


def _large(name: str) -> Preset | None:
    """The settings of a model that the cookbook knows, by its own tables; None for others."""
    from tinker_cookbook import hyperparam_utils, model_info
    from tinker_cookbook.exceptions import TinkerCookbookError

    try:
        rate = hyperparam_utils.get_lr(name)
        renderer = model_info.get_recommended_renderer_name(name)
    except (TinkerCookbookError, NotImplementedError, ValueError, KeyError, OSError):
        return None
    return Preset(
        base_model=name,
        renderer_name=renderer,
        sft_learning_rate=rate,
        rl_learning_rate=rate * _RL_SHARE,
        dpo_learning_rate=_DPO_RATE,
        max_tokens=512,
    )


def _cost(name: str) -> tuple[bool, float, str]:
    """Sorts chat models before base models, small ones first."""
    from tinker_cookbook.model_info import get_model_attributes

    model = get_model_attributes(name)
    billions = re.match(r"[\d.]+", model.size_str)
    return not model.is_chat, float(billions[0]) if billions else math.inf, name
