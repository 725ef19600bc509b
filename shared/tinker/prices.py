"""What a run on hosted Tinker would cost: tokens counted from your own data, times a dated price.

The prices stand in `prices.yml` beside this file, with the day they were read. Nothing here asks a
server or spends anything; the sum is what to look at before you do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.tinker.errors import NotFoundError, UserError

if TYPE_CHECKING:
    import tinker

FILE = Path(__file__).with_name("prices.yml")
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelPrice(_Model):
    """USD per million tokens: read (prefill), written (sample) and trained on."""

    prefill: Usd
    sample: Usd
    train: Usd


class PriceTable(_Model):
    """The prices of one day. `source` says where they were read."""

    as_of: date
    source: Annotated[str, Field(min_length=8)]
    models: Annotated[Mapping[str, ModelPrice], Field(min_length=1)]
    storage_per_gb_month: Usd

    def of(self, model: str) -> ModelPrice:
        """The price of `model`.

        Raises:
            NotFoundError: the table does not list it; the message says what it lists.
        """
        if model not in self.models:
            raise NotFoundError(
                f"There is no price for {model!r} in the table of {self.as_of}, only for "
                f"{', '.join(sorted(self.models))}. Look the price up and add it to {FILE.name}."
            )
        return self.models[model]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one plan would cost. Print it before you spend anything."""

    model: str
    as_of: date
    train_tokens: int
    prompt_tokens: int
    sampled_tokens: int
    usd: float

    def __str__(self) -> str:
        return (
            f"{self.model}, prices of {self.as_of}:\n"
            f"  trained on  {self.train_tokens:>12,} tokens\n"
            f"  prompts     {self.prompt_tokens:>12,} tokens\n"
            f"  sampled     {self.sampled_tokens:>12,} tokens at most\n"
            f"  together    {self.usd:>12,.4f} USD"
        )


def read_prices(path: Path = FILE) -> PriceTable:
    """The table in `path`.

    Raises:
        UserError: the file is missing or does not hold such a table.
    """
    try:
        return PriceTable.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise UserError(f"{path} is no price table: {error}") from error


@cache
def _shipped() -> PriceTable:
    return read_prices()


def preview_cost(
    data: Sequence[tinker.Datum],
    model: str,
    *,
    epochs: int = 1,
    prompts: Sequence[Sequence[int]] = (),
    max_tokens: int = 0,
    prices: PriceTable | None = None,
) -> Cost:
    """What training on `data` and then sampling once for each of `prompts` would cost at most.

    Every input token of a datum counts, whatever its weight: the model reads it too.

    Args:
        data: the examples of one epoch.
        model: its name in the price table.
        epochs: how often the examples are trained on.
        prompts: token ids of each prompt that is sampled from.
        max_tokens: tokens that one sample may have.
        prices: the table; the shipped one when None.

    Raises:
        NotFoundError: the table has no price for `model`.
        UserError: `epochs` or `max_tokens` is negative.
    """
    if epochs < 0 or max_tokens < 0:
        raise UserError(f"epochs={epochs} and max_tokens={max_tokens} must be 0 or more.")
    table = prices or _shipped()
    price = table.of(model)
    trained = epochs * sum(datum.model_input.length for datum in data)
    read, sampled = sum(map(len, prompts)), len(prompts) * max_tokens
    usd = (trained * price.train + read * price.prefill + sampled * price.sample) / 1e6
    return Cost(
        model=model,
        as_of=table.as_of,
        train_tokens=trained,
        prompt_tokens=read,
        sampled_tokens=sampled,
        usd=usd,
    )
