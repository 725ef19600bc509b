"""Lab 5 in JupyterLab: every check is green, and what the page says comes out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.labs.page import Page, green, shown

PAGE = Page("lab05_lora_math")
pytestmark = pytest.mark.slow


def test_every_check_of_the_reference_passes(executed: Any) -> None:
    assert green(executed) == list(PAGE.spec.by_name)


def test_peft_gives_the_same_outputs_and_gradients(executed: Any) -> None:
    apart = re.findall(r"at most (\S+)", shown(executed, "get_peft_model(\n"))
    assert len(apart) == 2
    # float32, two layers: the order of a few additions may differ.
    assert all(float(number) < 1e-5 for number in apart)


def test_adapters_change_the_task_and_leave_the_base_alone(executed: Any) -> None:
    text = shown(executed, "frozen_before")
    for line in ("pig latin  tinker -> 'inkertay'", "backwards  tinker -> 'reknit'",
                 "base unchanged: True"):  # fmt: skip
        assert line in text
    untrained = re.search(r"untrained  tinker -> (.*)", text)
    assert untrained is not None
    assert "inkertay" not in untrained[1]


def test_the_live_sweep_shows_what_the_figure_shows(executed: Any) -> None:
    text = shown(executed, "best_learning_rate(lora_losses)")
    assert "{1: 0.003, 16: 0.003}" in text
    rows = re.findall(r"(rank 1|rank 16|full)\b.*?(\d\.\d{3}) +(\d\.\d{3}) +(\d\.\d{3})", text)
    assert [name for name, *_ in rows] == ["rank 1", "rank 16", "full"]
    # Rounding differs between machines, and training enlarges it: orders of magnitude only.
    for name, low, middle, high in rows:
        assert float(middle) < 0.1
        assert 3 * float(middle) < float(low) < 2
        assert name == "full" or float(high) > max(0.1, 10 * float(middle))


def test_live_too_room_is_what_rank_buys(executed: Any) -> None:
    text = shown(executed, "memory_runs = [")
    losses = [float(loss) for loss in re.findall(r"(?:rank \d+|fine-tuning) +loss (\S+)", text)]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 3
