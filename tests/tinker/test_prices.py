"""The dated price table and what it makes of a student's own data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import tinker

from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.prices import ModelPrice, PriceTable, preview_cost, read_prices

TABLE = PriceTable(
    as_of=date(2026, 1, 2),
    source="made up for this test",
    models={"some/model": ModelPrice(prefill=1, sample=10, train=100)},
    storage_per_gb_month=0.1,
)


def datum(length: int) -> tinker.Datum:
    return tinker.Datum(
        model_input=tinker.ModelInput.from_ints(list(range(length))),
        loss_fn_inputs={
            "target_tokens": tinker.TensorData(data=[0] * length, dtype="int64", shape=[length]),
            "weights": tinker.TensorData(data=[0.0] * length, dtype="float32", shape=[length]),
        },
    )


def test_the_shipped_table_is_dated_and_not_from_the_future() -> None:
    table = read_prices()
    assert date(2026, 1, 1) < table.as_of <= date.today()
    assert table.source
    assert all(price.train > 0 for price in table.models.values())


def test_each_kind_of_token_has_its_own_price() -> None:
    cost = preview_cost(
        [datum(3), datum(5)], "some/model", epochs=2, prompts=[[1, 2], [3]], max_tokens=4,
        prices=TABLE,
    )  # fmt: skip
    assert (cost.train_tokens, cost.prompt_tokens, cost.sampled_tokens) == (16, 3, 8)
    assert cost.usd == pytest.approx((16 * 100 + 3 * 1 + 8 * 10) / 1e6)


def test_untrained_tokens_count_too() -> None:
    assert preview_cost([datum(7)], "some/model", prices=TABLE).train_tokens == 7


def test_nothing_costs_nothing() -> None:
    assert preview_cost([], "some/model", prices=TABLE).usd == 0


def test_the_preview_says_the_date_and_the_sum() -> None:
    shown = str(preview_cost([datum(1000)], "some/model", prices=TABLE))
    assert "2026-01-02" in shown
    assert "1,000 tokens" in shown
    assert "0.1000 USD" in shown


def test_an_unknown_model_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFoundError, match="some/model"):
        preview_cost([], "other/model", prices=TABLE)


@pytest.mark.parametrize("bad", [{"epochs": -1}, {"max_tokens": -1}])
def test_negative_numbers_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(UserError, match="0 or more"):
        preview_cost([], "some/model", prices=TABLE, **bad)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: {}",
        "as_of: 2026-10-07\nsource: somewhere\nmodels: {m: {prefill: 1, sample: 1, train: -1}}\n"
        "storage_per_gb_month: 0",
        "as_of: [",
    ],
)
def test_a_broken_table_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"prices\.yml is no price table"):
        read_prices(path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no price table"):
        read_prices(tmp_path / "none.yml")
