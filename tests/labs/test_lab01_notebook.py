"""Lab 1's page: it runs from top to bottom, and what it says is so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.tinker.prices import read_prices

from .page import Page, check_passes, shown

PAGE = Page("lab01_datum_renderers")
LAB = PAGE.lab
EXERCISES = {
    "shift_to_datum": 3,
    "render_chatml": 5,
    "generation_prompt": 4,
    "render_role_colon": 4,
    "truncate": 3,
    "describe_weights": 3,
}


def test_lab_yml_has_the_exercises_of_the_contract_and_their_points() -> None:
    spec = PAGE.spec
    assert {e.name: e.points for e in spec.exercises} == EXERCISES
    points = {w.name: w.points for w in spec.written}
    assert points == {"explain_end_token": 3, "explain_special_text": 3}
    assert all(w.rubric for w in spec.written)


def test_the_stored_figure_is_what_the_tokenizer_gives(tmp_path: Path) -> None:
    shutil.copy(LAB / "make_figures.py", tmp_path)
    subprocess.run([sys.executable, tmp_path / "make_figures.py"], check=True, timeout=300)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert drawn == {path.name: path.read_bytes() for path in (LAB / "figures").iterdir()}


def test_the_sources_and_the_price_have_a_date() -> None:
    sources = PAGE.prose.split("## Sources")[1]
    assert "2026-11-24" in sources
    assert f"{read_prices().as_of:%B %Y}" in sources


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The reference notebook after "run all", beside a copy of the released lab."""
    return PAGE.executed(tmp_path_factory.mktemp("work"), timeout=600)


@pytest.mark.slow
def test_every_check_of_the_reference_passes(executed: Any) -> None:
    for name in EXERCISES:
        assert check_passes(executed, name)


@pytest.mark.slow
def test_the_worked_example_trains_the_answer_and_its_end(executed: Any) -> None:
    text = shown(executed, "it learns {tokenizer")
    assert re.findall(r"it learns '(.*)'", text) == ["5", "<|im_end|>"]


@pytest.mark.slow
def test_the_table_is_a_figure_with_a_text_that_stands_for_it(executed: Any) -> None:
    cell = next(c for c in executed.cells if "def token_figure" in c.source)
    page = "".join(str(o.get("data", {}).get("text/html", "")) for o in cell.outputs)
    alt = re.search(r'role="img" aria-label="([^"]+)"', page)
    assert alt is not None
    assert "5&lt;|im_end|&gt;No.&lt;|im_end|&gt;" in alt[1]
    dark = page.count('class="trained"')
    assert f"; {dark} of them are trained" in alt[1]


@pytest.mark.slow
def test_all_three_renderers_agree_with_the_cookbook_on_the_page(executed: Any) -> None:
    text = shown(executed, "theirs = get_renderer(name, tokenizer)")
    assert text.count("the same for 5 of 5 values") == 3


@pytest.mark.slow
def test_the_page_shows_who_lets_a_user_end_a_turn(executed: Any) -> None:
    text = shown(executed, "attack = [")
    assert re.findall(r"cookbook (\d), yours (\d)", text) == [("2", "2"), ("3", "2")]


@pytest.mark.slow
def test_a_missing_shift_teaches_nothing_and_its_loss_says_otherwise(executed: Any) -> None:
    text = shown(executed, "taught,")
    first, last = (
        [float(number) for number in re.findall(rf"step {step} of 30  loss (\S+)", text)]
        for step in (1, 30)
    )
    assert len(first) == len(last) == 2
    # Both are learnt, whatever that is worth.
    assert all(end < start / 4 for start, end in zip(first, last, strict=True)), (first, last)
    pirates = dict(
        re.findall(r"(before|not shifted|shifted) +(\d) of 8", shown(executed, "pirate ="))
    )
    assert int(pirates["shifted"]) >= 6
    assert pirates["not shifted"] == "0"


@pytest.mark.slow
def test_chats_are_answered_and_ended(executed: Any) -> None:
    text = shown(executed, "def continuation")
    assert re.search(r"one turn +'.*', finished: True", text)
    assert re.search(r"two turns +'.*', finished: True", text)


@pytest.mark.slow
def test_the_curves_are_a_figure_with_the_numbers_in_its_text(executed: Any) -> None:
    cell = next(c for c in executed.cells if "def curves_figure" in c.source)
    page = "".join(str(o.get("data", {}).get("text/html", "")) for o in cell.outputs)
    found = re.search(r"shifted from (\S+) to (\S+); not shifted from (\S+) to (\S+)\.\"", page)
    assert found is not None
    start, end, wrong_start, wrong_end = map(float, found.groups())
    assert end < start / 10
    assert wrong_end < wrong_start / 10


@pytest.mark.slow
def test_the_preview_counts_the_pages_own_tokens_and_spends_nothing(executed: Any) -> None:
    text = shown(executed, "preview_cost(data")
    assert str(read_prices().as_of) in text
    usd = re.search(r"together +(\S+) USD", text)
    assert usd is not None
    assert 0 < float(usd[1]) < 0.05
