"""`labkit build --check` names every generated file that is not what it should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.build import drift, replace_folder
from autograder.cli import app

RUN = CliRunner()


@pytest.fixture
def lab(root: Path) -> Path:
    return root / "labs" / "lab00_tiny"


def test_nothing_drifted(lab: Path) -> None:
    done = RUN.invoke(app, ["build", "--check"])
    assert (done.exit_code, done.stdout) == (0, "1 lab is up to date\n")


def test_one_changed_character_is_named_and_shown(lab: Path) -> None:
    path = lab / "lab00_tiny.ipynb"
    path.write_text(path.read_text("utf-8").replace("naïve", "naive"), encoding="utf-8")
    done = RUN.invoke(app, ["build", "--check"])
    assert done.exit_code == 1
    assert "stale: lab00_tiny/lab00_tiny.ipynb" in done.stdout
    assert '+    "Größe, naïve, 数' in done.stdout
    assert done.stderr == "labkit: 1 generated file is out of date. Run `labkit build`.\n"


def test_missing_and_extra_files_are_named(lab: Path) -> None:
    (lab / "checks.py").unlink()
    (lab / "judge.py").write_text("oops")
    done = RUN.invoke(app, ["build", "lab00", "--check"])
    assert done.exit_code == 1
    assert "missing: lab00_tiny/checks.py" in done.stdout
    assert "extra: lab00_tiny/judge.py" in done.stdout


def test_a_changed_source_is_drift_until_it_is_built(root: Path, source: Path) -> None:
    path = source / "notebook.py"
    path.write_text(path.read_text("utf-8").replace("ZERO = 0", "ZERO = 0.0"), encoding="utf-8")
    assert RUN.invoke(app, ["build", "--check"]).exit_code == 1
    assert RUN.invoke(app, ["build"]).exit_code == 0
    assert RUN.invoke(app, ["build", "--check"]).exit_code == 0


def test_a_release_without_a_source_is_named(root: Path, lab: Path) -> None:
    (root / "labs" / "lab77_stray").mkdir()
    (root / "labs" / "lab77_stray" / "lab.yml").write_text("name: x")
    done = RUN.invoke(app, ["build", "--check"])
    assert done.exit_code == 1
    assert "extra: lab77_stray" in done.stdout


def test_what_using_a_folder_leaves_in_it_is_no_drift(lab: Path) -> None:
    (lab / "__pycache__").mkdir()
    (lab / "__pycache__" / "checks.pyc").write_bytes(b"")
    (lab / ".labkit-progress.json").write_text("{}")
    assert RUN.invoke(app, ["build", "--check"]).exit_code == 0


def test_a_new_lab_is_missing_as_a_whole(root: Path, tmp_path: Path) -> None:
    found = drift(root / "labs" / "lab00_tiny", tmp_path / "nothing")
    assert len(found.missing) == 4
    assert bool(found)


def test_a_line_end_is_drift_too(tmp_path: Path) -> None:
    for name, data in (("a", b"x\n"), ("b", b"x\r\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(data)
    assert drift(tmp_path / "a", tmp_path / "b").text == "stale: b/f (line ends)"


def test_a_failed_replacement_keeps_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("old")
    with pytest.raises(OSError, match="never made"):
        replace_folder(tmp_path / "never made", target)
    assert (target / "file").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["build", "lab9"], "'lab9' names 0 labs. Labs here: lab00_tiny."),
        (["build", "--check", "--kit", "x"], "use one of them"),
    ],
)
def test_wrong_usage_ends_with_two(root: Path, arguments: list[str], sentence: str) -> None:
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_kit_without_sources_cannot_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_ROOT", str(tmp_path))
    done = RUN.invoke(app, ["build"])
    assert done.exit_code == 2
    assert "holds no labs" in done.stderr
