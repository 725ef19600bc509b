"""Lab 1's page: it runs from top to bottom, and what it says is so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from shared.tinker.prices import read_prices

from .page import Page

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
