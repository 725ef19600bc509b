"""The release is nbgrader's own, has no solution in it, and is the same whenever the source is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from autograder.build import build, check_release, source_notebook
from autograder.errors import LabError
from autograder.lab import load_spec
from autograder.notebook import Node, graft, read_release, reference_cells


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def cell(notebook: dict[str, Any], key: str) -> Any:
    return next(c for c in notebook["cells"] if c["id"] == key)


def test_the_committed_release_is_what_the_source_gives(root: Path, source: Path) -> None:
    committed = files(root / "labs")
    assert files(build(source, root / "new").parent) == committed
    assert set(committed) == {
        "lab00_tiny/lab00_tiny.ipynb",
        "lab00_tiny/checks.py",
        "lab00_tiny/lab.yml",
        "lab00_tiny/figures/one.svg",
    }


def test_another_process_place_and_locale_give_the_same_bytes(root: Path, source: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autograder.build import build;"
        "build(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-c", code, str(source), str(root / "elsewhere")]
    subprocess.run(command, check=True, cwd=root, env=environment)
    assert files(root / "elsewhere") == files(root / "labs")


def test_the_source_notebook_is_nbgraders(source: Path) -> None:
    notebook = source_notebook(source)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    graded = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert [(c.id, c.metadata.nbgrader.points) for c in graded] == [
        ("check_double", 2),
        ("check_total", 3),
        ("explain_zero", 2),
    ]
    assert [c.id for c in notebook.cells if c.metadata.get("nbgrader", {}).get("locked")] == [
        "setup",
        "check_double",
        "setup_2",
        "check_total",
    ]
    assert "hidden_double_line" in cell(notebook, "double")["source"]


def test_the_stub_names_lab_exercise_and_title(root: Path) -> None:
    release = read_release(root / "labs" / "lab00_tiny")
    assert cell(release, "double").source == (
        'def double(x: float) -> float:\n    """Return twice `x`."""\n'
        '    raise NotImplementedError("lab00 double: Double a number")'
    )
    assert cell(release, "total").source.count("lab00 total: Sum a list") == 2
    assert cell(release, "explain_zero").source == "Write your answer here."


def test_nothing_hidden_is_released(root: Path, source: Path) -> None:
    text = b"\n".join(files(root / "labs").values()).lower()
    assert b"hidden" not in text
    assert b"neutral element" not in text
    assert b"rubric" not in text
    assert b"hidden" in (source / "notebook.py").read_bytes()
    assert load_spec(root / "labs" / "lab00_tiny").written[0].rubric == ()


def test_the_reference_fits_the_release(root: Path, source: Path) -> None:
    release = read_release(root / "labs" / "lab00_tiny")
    grafted = graft(Node(source_notebook(source)), release)
    assert grafted.cells == reference_cells(source)
    assert grafted.notes == ()


def test_a_build_leaves_nothing_else_behind(root: Path, source: Path) -> None:
    (root / "labs" / "lab00_tiny" / "old.txt").write_text("left over")
    before = set(root.rglob("*")) - {root / "labs" / "lab00_tiny" / "old.txt"}
    build(source, root / "labs")
    assert set(root.rglob("*")) == before


def test_a_wrong_source_leaves_the_old_release(root: Path, source: Path) -> None:
    before = files(root / "labs")
    (source / "notebook.py").write_text("nothing", encoding="utf-8")
    with pytest.raises(LabError, match="has no cells"):
        build(source, root / "labs")
    assert files(root / "labs") == before


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('grade_id="total"', 'grade_id="sum"', "solution cells are double, sum; lab.yml asks for"),
        ('grade_id="check_total"', 'grade_id="x"', "check cells are check_double, x"),
        ('check("total")', 'check("totals")', r'check_total must be: check\("total"\)'),
        ('grade_id="explain_zero"', 'grade_id="why"', "written cells are why"),
        ('tags=["setup"]', 'tags=["demo"]', "there is no setup cell"),
        ("### BEGIN SOLUTION", "# solution", "cell double has no ### BEGIN SOLUTION"),
        ("    ### END SOLUTION\n\n\n# %%", "\n\n# %%", "no end solution"),
        ("# %% [markdown]\n# # Lab", "text = 1\n\n# %% [markdown]\n# # Lab", "before the first"),
        ("import math", "# %matplotlib inline", "use no magics"),
        ('["check"] grade_id="check_total"', '["check"] grade_id=check_total', "check cells are"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(
    source: Path, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = source / "notebook.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(LabError, match=sentence):
        build(source, tmp_path / "out")


def test_a_lab_needs_public_checks(source: Path, tmp_path: Path) -> None:
    (source / "checks.py").unlink()
    with pytest.raises(LabError, match="a lab needs public checks"):
        build(source, tmp_path / "out")


def test_every_released_lab_is_up_to_date(repository: Path) -> None:
    for path in sorted(repository.glob("solutions/*/checks.py")):
        assert check_release(path.parent, repository / "labs").text == ""


def test_the_release_is_json_with_sorted_keys(root: Path) -> None:
    text = (root / "labs" / "lab00_tiny" / "lab00_tiny.ipynb").read_text(encoding="utf-8")
    raw = json.loads(text)
    assert text == json.dumps(raw, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert raw["metadata"]["language_info"] == {"name": "python"}  # no version that varies
