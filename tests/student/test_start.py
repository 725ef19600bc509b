"""Starting a lab, reading hints, seeing progress; work is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.check.watch import saves
from autograder.progress import FILE, Progress, read_progress, save_progress


def test_start_copies_the_lab_and_says_how_to_open_it(labkit: Any, desk: Path) -> None:
    done = labkit("start", "lab00")
    assert done.exit_code == 0
    assert "jupyter lab work/lab00_tiny/lab00_tiny.ipynb" in done.stdout
    names = {p.relative_to(desk / "work").as_posix() for p in desk.glob("work/**/*.*")}
    assert names == {
        "lab00_tiny/lab00_tiny.ipynb",
        "lab00_tiny/checks.py",
        "lab00_tiny/lab.yml",
        "lab00_tiny/figures/one.svg",
    }


def test_start_never_touches_work_that_is_there(labkit: Any, notebook: Path) -> None:
    notebook.write_text("my work")
    done = labkit("start", "lab00")
    assert done.exit_code == 2
    assert "was left as it is" in done.stderr
    assert "--dir" in done.stderr
    assert notebook.read_text() == "my work"


def test_another_folder_may_be_named(labkit: Any, desk: Path) -> None:
    assert labkit("start", "lab00", "--dir", "here and there").exit_code == 0
    assert (desk / "here and there" / "lab00_tiny" / "lab00_tiny.ipynb").is_file()


def test_a_folder_that_cannot_be_made_is_said(labkit: Any, desk: Path) -> None:
    (desk / "file").write_text("")
    done = labkit("start", "lab00", "--dir", "file")
    assert done.exit_code == 2
    assert "cannot be made" in done.stderr


def test_each_call_shows_one_hint_more(labkit: Any, work: Path) -> None:
    shown = [labkit("hint", "lab00", "double").stdout for _ in range(4)]
    assert [text.count("Hint ") for text in shown] == [1, 2, 3, 3]
    assert "Hint 1 of 3: What is twice three?" in shown[0]
    assert "Ask again for the next hint." in shown[0]
    assert "There are no more hints." in shown[2]
    assert labkit("hint", "lab00", "total").stdout.count("Hint ") == 1


def test_all_hints_can_be_shown_at_once(labkit: Any, work: Path) -> None:
    assert labkit("hint", "lab00", "double", "--all").stdout.count("Hint ") == 3


def test_a_hint_for_no_exercise_ends_with_two(labkit: Any, work: Path) -> None:
    done = labkit("hint", "lab00", "triple")
    assert done.exit_code == 2
    assert "It has: double, total." in done.stderr


def test_labs_shows_how_far_a_student_is(labkit: Any, desk: Path) -> None:
    assert "not started" in labkit("labs").stdout
    labkit("start", "lab00")
    assert "0 of 2" in labkit("labs").stdout
    progress = Progress(lab="lab00_tiny", checked={"double": "passed", "gone": "passed"})
    save_progress(desk / "work" / "lab00_tiny", progress)
    assert "1 of 2" in labkit("labs").stdout


def test_labs_can_be_read_by_a_script(labkit: Any, desk: Path) -> None:
    tiny = {"lab": "lab00_tiny", "title": "Lab 0, a tiny one for the tests", "minutes": 5}
    tiny |= {"points": 5, "passed": None, "exercises": 2}
    assert json.loads(labkit("labs", "--json").stdout) == [tiny]
    labkit("start", "lab00")
    assert json.loads(labkit("labs", "--json").stdout) == [tiny | {"passed": 0}]
    progress = Progress(lab="lab00_tiny", checked={"double": "passed", "gone": "passed"})
    save_progress(desk / "work" / "lab00_tiny", progress)
    assert json.loads(labkit("labs", "--json").stdout) == [tiny | {"passed": 1}]


def test_without_labs_the_folder_is_named(
    labkit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root" / "labs").mkdir(parents=True)
    monkeypatch.setenv("LABKIT_ROOT", str(tmp_path / "root"))
    done = labkit("labs", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "holds no labs" in done.stderr


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"lab": "other", "checked": {"double": "passed"}}', "\x00"]
)
def test_a_damaged_progress_file_starts_again(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_progress(tmp_path, "lab00_tiny") == Progress(lab="lab00_tiny")


def test_progress_holds_no_date_and_no_name(tmp_path: Path) -> None:
    save_progress(tmp_path, Progress(lab="lab00_tiny", hints={"double": 1}))
    raw = json.loads((tmp_path / FILE).read_text())
    assert raw == {"version": 1, "lab": "lab00_tiny", "checked": {}, "hints": {"double": 1}}


def test_a_folder_that_cannot_be_written_to_loses_only_the_progress(tmp_path: Path) -> None:
    save_progress(tmp_path / "not there", Progress(lab="lab00_tiny"))


def test_watching_yields_once_for_each_save(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text("1")
    steps = iter(["22", None, "22", "333", None, "4444"])  # None: gone for a moment

    def sleep(_: float) -> None:
        text = next(steps)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    seen: list[str] = []
    with pytest.raises(RuntimeError, match="StopIteration"):
        for _ in saves(path, sleep=sleep):
            seen.append(path.read_text())
    assert seen[0] == "1"
    assert seen[-1] == "4444"
    assert "333" in seen
    assert len(seen) <= 5


def test_watch_checks_again_after_a_save(
    labkit: Any, solve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeps = iter([lambda: solve({"double": "def double(x):\n    return 2 * x"})])

    def sleep(_: float) -> None:
        next(sleeps, _interrupt)()

    monkeypatch.setattr("autograder.check.watch.saves", lambda path: saves(path, sleep=sleep))
    done = labkit("check", "lab00", "double", "--watch")
    assert done.exit_code == 0
    assert "Ctrl-C ends" in done.stdout
    assert done.stdout.index("double: not attempted") < done.stdout.index("double: passed")
    assert done.stdout.endswith("No longer watching.\n")


def _interrupt() -> None:
    raise KeyboardInterrupt
