"""Long jobs say in plain lines how far they are where no terminal is."""

from __future__ import annotations

import pytest

from autograder.cli.bars import progress_shown


def shown(plain: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with progress_shown(plain=plain) as tell:  # type: ignore[arg-type]
        tell("judge", 0, 2)
        tell("judge", 1, 2)
        tell("judge", 2, 2)
        tell("mutants", 1, 1)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_pipe_gets_a_line_for_each_thing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["Judging 0/2", "Judging 1/2", "Judging 2/2", "mutants 1/1"]
    assert shown("each", capsys) == lines


def test_a_pipe_gets_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("stages", capsys) == ["Judging: 2 done", "mutants: 1 done"]


def test_a_script_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("nothing", capsys) == []
