"""`labkit recipe`: its list, and what it refuses before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autograder.cli import app


def labkit(*words: str) -> Result:
    return CliRunner().invoke(app, ["recipe", *words])


def line_of(listed: Result, name: str) -> str:
    (found,) = [line for line in listed.output.splitlines() if line.split()[:1] == [name]]
    return found


def test_the_list_says_what_runs_and_what_is_missing_and_why() -> None:
    listed = labkit("--list")
    assert listed.exit_code == 0
    assert line_of(listed, "sl_loop").split() == ["sl_loop", "runs"]
    assert "batch_size=128 is fixed" in line_of(listed, "rl_basic")
    assert "images" in line_of(listed, "vlm_classifier.train")
    assert "give checkpoint_path=..." in line_of(listed, "multiplayer_rl.text_arena.play")


def test_no_name_is_wrong_usage() -> None:
    done = labkit()
    assert done.exit_code == 2
    assert "Name a recipe" in done.output


def test_an_unknown_recipe_is_wrong_usage() -> None:
    done = labkit("sl_lop")
    assert done.exit_code == 2
    assert "Did you mean sl_loop" in done.output


def test_a_word_that_is_no_setting_is_wrong_usage(tmp_path: Path) -> None:
    done = labkit("sl_loop", "fast", "--runs", str(tmp_path))
    assert done.exit_code == 2
    assert "Write key=value" in done.output


def test_a_missing_package_ends_it_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shared.tinker.recipe_source._absent", lambda package: package == "chromadb"
    )
    done = labkit("search_tool.train", "--runs", str(tmp_path))
    assert done.exit_code == 3
    assert "chromadb is not installed (extra vector-search)" in done.output
    assert list(tmp_path.iterdir()) == []
