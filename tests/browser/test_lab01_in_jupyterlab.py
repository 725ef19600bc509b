"""Lab 1 in JupyterLab: every check is green, and what the page says comes out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.tinker.prices import read_prices
from tests.labs.page import Page, drawn, green, shown

PAGE = Page("lab01_datum_renderers")
pytestmark = pytest.mark.slow


def test_every_check_of_the_reference_passes(executed: Any) -> None:
    assert green(executed) == list(PAGE.spec.by_name)


def test_the_worked_example_trains_the_answer_and_its_end(executed: Any) -> None:
    text = shown(executed, "it learns {tokenizer")
    assert re.findall(r"it learns '(.*)'", text) == ["5", "<|im_end|>"]


def test_the_table_is_a_figure_with_a_text_that_stands_for_it(executed: Any) -> None:
    page = drawn(executed, "def token_figure")
    alt = re.search(r'role="img" aria-label="([^"]+)"', page)
    assert alt is not None
    assert "5&lt;|im_end|&gt;No.&lt;|im_end|&gt;" in alt[1]
    dark = page.count('class="trained"')
    assert f"; {dark} of them are trained" in alt[1]


def test_all_three_renderers_agree_with_the_cookbook_on_the_page(executed: Any) -> None:
    text = shown(executed, "theirs = get_renderer(name, tokenizer)")
    assert text.count("the same for 5 of 5 values") == 3


def test_the_page_shows_who_lets_a_user_end_a_turn(executed: Any) -> None:
    text = shown(executed, "attack = [")
    assert re.findall(r"cookbook (\d), yours (\d)", text) == [("2", "2"), ("3", "2")]


def test_a_missing_shift_teaches_nothing_and_its_loss_says_otherwise(executed: Any) -> None:
    text = shown(executed, "taught,")
    # A bar stays on its line. That both are learnt, whatever it is worth, the figure's text says.
    assert len(re.findall(r"(?m)^step 30 of 30  loss \d\S+ *$", text)) == text.count("step") == 2
    pirates = dict(
        re.findall(r"(before|not shifted|shifted) +(\d) of 8", shown(executed, "pirate ="))
    )
    assert int(pirates["shifted"]) >= 6
    assert pirates["not shifted"] == "0"


def test_chats_are_answered_and_ended(executed: Any) -> None:
    text = shown(executed, "def continuation")
    assert re.search(r"one turn +'.*', finished: True", text)
    assert re.search(r"two turns +'.*', finished: True", text)


def test_the_curves_are_a_figure_with_the_numbers_in_its_text(executed: Any) -> None:
    page = drawn(executed, "def curves_figure")
    found = re.search(r"shifted from (\S+) to (\S+); not shifted from (\S+) to (\S+)\.\"", page)
    assert found is not None
    start, end, wrong_start, wrong_end = map(float, found.groups())
    assert end < start / 10
    assert wrong_end < wrong_start / 10


def test_the_preview_counts_the_pages_own_tokens_and_spends_nothing(executed: Any) -> None:
    text = shown(executed, "preview_cost(data")
    assert str(read_prices().as_of) in text
    usd = re.search(r"together +(\S+) USD", text)
    assert usd is not None
    assert 0 < float(usd[1]) < 0.05
