"""The audit lets a good judge pass and names what is wrong with a bad one."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.audit.exam import audit_lab
from autograder.audit.report import AuditReport
from autograder.build import build
from autograder.errors import LabError
from autograder.judge.start import judging_zygote
from autograder.sandbox.client import Zygote

LAB = Path(__file__).parent / "labs" / "lab92_exam"
pytestmark = [pytest.mark.jail, pytest.mark.slow]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with judging_zygote() as started:
        yield started


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(LAB, tmp_path_factory.mktemp("labs"))


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LAB, tmp_path / LAB.name))


def examine(lab: Path, release: Path, zygote: Zygote) -> AuditReport:
    return audit_lab(lab, release, zygote=zygote, equivalent_inputs=300)


def broken(report: AuditReport) -> dict[str, str]:
    return {bar.name: " ".join(bar.failures) for bar in report.bars if not bar.passed}


def test_a_good_judge_passes_every_bar_but_the_share_of_equivalents(
    zygote: Zygote, release: Path
) -> None:
    # Two of about twenty mutants of so small a function are equivalent: over 5 %.
    report = examine(LAB, release, zygote)
    assert set(broken(report)) == {"equivalent mutants"}, report.failures_text()
    assert "of all mutants are listed" in report.failures_text()
    assert json.loads(report.model_dump_json())["lab"] == LAB.name


def test_a_judge_without_its_edge_case_lets_mistakes_and_mutants_through(
    zygote: Zygote, release: Path, lab: Path
) -> None:
    source = (lab / "judge.py").read_text()
    weak = source[: source.index('@exercise("clamp", points=1')].replace("points=2", "points=3")
    (lab / "judge.py").write_text(weak)
    found = broken(examine(lab, release, zygote))
    assert "clamp__swaps_range" in found["mistakes caught"]
    assert "drop@" in found["mutants killed"] or "compare@" in found["mutants killed"]


def test_wrong_material_is_named(zygote: Zygote, release: Path, lab: Path) -> None:
    wrong = (
        '"""Off by one."""\n\n\ndef clamp(x, low, high):\n    return min(max(x, low), high - 1)\n'
    )
    (lab / "alternatives" / "clamp__minmax.py").write_text(wrong)
    sorted_one = (lab / "alternatives" / "clamp__sorted.py").read_text()
    renamed = sorted_one.replace("x, ", "value, ").replace(" x", " value")
    (lab / "alternatives" / "clamp__renamed.py").write_text(renamed)
    (lab / "mistakes" / "clamp__wraps.py").write_text(
        '"""Crashes."""\n\n\ndef clamp(x, low, high):\n    return undefined\n'
    )
    (lab / "equivalent.yml").write_text("- {mutant: clamp/gone@1:1-2, reason: It is gone.}\n")
    found = broken(examine(lab, release, zygote))
    assert "clamp__minmax" in found["alternatives accepted"]
    assert "clamp__sorted" in found["alternatives differ"]
    assert "clamp__wraps gets error" in found["mistakes caught"]
    assert "clamp__wraps" in found["mistakes run"]
    assert "unlist it" in found["equivalent mutants"]
    assert "survives" in found["mutants killed"]


def test_a_mistake_without_its_second_version_is_refused(release: Path, lab: Path) -> None:
    from autograder.audit.material import collect_material

    (lab / "mistakes" / "second" / "clamp__wraps.py").unlink()
    with pytest.raises(LabError, match="clamp__wraps"):
        collect_material(lab)
