"""Lab 2 in JupyterLab: every check is green, and what the page says comes out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.tinker.prices import read_prices
from tests.labs.page import Page, drawn, green, shown

PAGE = Page("lab02_sl_loop")
pytestmark = pytest.mark.slow


def test_every_check_of_the_reference_passes(executed: Any) -> None:
    assert green(executed) == list(PAGE.spec.by_name)


def test_one_step_lowers_the_loss_of_the_worked_example(executed: Any) -> None:
    before = float(shown(executed, "summed loss").split()[-1])
    after = float(shown(executed, '"after one step"').split()[-1])
    assert after < before


def test_pig_latin_is_learnt_on_the_page(executed: Any) -> None:
    text = shown(executed, "def share_right")
    shares = {int(s): int(p) for s, p in re.findall(r"after +(\d+) steps +(\d+)%", text)}
    assert shares[0] == 0
    assert list(shares.values())[-1] >= 80
    assert re.findall(r"after '(\w+)'", shown(executed, "other!r}"))


def test_the_bar_comes_to_its_end(executed: Any) -> None:
    text = shown(executed, 'run("pig_latin"')
    assert re.fullmatch(r"\[#{20}\] step (\d+) of \1  done\s+", text)


def test_a_run_that_was_interrupted_goes_on_with_the_same_losses(executed: Any) -> None:
    text = shown(executed, "class PowerCut")
    pairs = re.findall(r"step (\d): in one go (\S+), resumed (\S+)", text)
    assert [step for step, _, _ in pairs] == ["4", "5", "6", "7"]
    assert all(whole == resumed for _, whole, resumed in pairs)


def test_the_cookbook_reads_what_the_run_wrote(executed: Any) -> None:
    assert "[0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8]" in shown(executed, "TrainingRunStore")


def test_the_distilled_model_behaves_without_its_prompt(executed: Any) -> None:
    text = shown(executed, "distil_prompt(teacher)")
    saved = re.search(r"(\d+) tokens saved", text)
    assert saved is not None
    assert int(saved[1]) > 50
    assert text.count("Arr! ") == text.count(", matey!") == 4


def test_what_was_not_trained_is_forgotten(executed: Any) -> None:
    text = shown(executed, "OTHER_TASKS =")
    rows = {
        task: (float(before), float(after))
        for task, before, after in re.findall(r"(\w+) +before (\S+) +after (\S+)", text)
    }
    assert set(rows) == {"sums", "repeat", "spell", "mean"}
    assert all(before > 0.7 and after < 0.3 for before, after in rows.values())


def test_curves_are_figures_with_the_numbers_in_their_text(executed: Any) -> None:
    page = drawn(executed, "curves_figure(")
    labels = re.findall(r'role="img" aria-label="([^"]+)"', page)
    assert len(labels) == 2
    assert re.search(r"exact match from 0\.00 to (0\.[89]|1)", labels[0])
    ends = [float(end) for end in re.findall(r"from \S+ to (\d\.\d\d)", labels[1])]
    assert len(ends) == 3
    assert ends[2] == max(ends)


def test_the_price_is_shown_before_the_first_long_run_and_spends_nothing(executed: Any) -> None:
    sources = [c.source for c in executed.cells]
    preview = next(n for n, source in enumerate(sources) if "preview_cost(" in source)
    assert preview < next(n for n, source in enumerate(sources) if 'run("pig_latin"' in source)
    text = shown(executed, "preview_cost(")
    assert str(read_prices().as_of) in text
    usd = re.search(r"together +(\S+) USD", text)
    assert usd is not None
    assert 0 < float(usd[1]) < 1
