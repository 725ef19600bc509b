"""The same grades as root, as an ordinary user and in a container, each at its level of sandbox.

Everywhere else nothing is graded, and the refusal names the missing primitive and the remedy. All
of it through the real `labkit`, which runs in the situation as it would on such a machine.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.course import Course
from autograder.course_init import init_course
from autograder.sandbox.probe import probe
from tests.levels.conftest import Situation, without

LAB = "lab90_tiny"
FULL = {"scale": 3.0, "counter": 2.0, "ratio": 2.0}
WRONG = "def scale(values, target):\n    return values / values.sum() * target\n"
HOSTILE = """\
import os, signal
def attempt(action):
    try:
        return action()
    except BaseException as refusal:
        return refusal
def scale(values, target):
    attempt(lambda: os.kill(os.getppid(), signal.SIGKILL))
    attempt(lambda: open({mark!r}, "w").write("stolen"))
    attempt(lambda: os.fork() or os._exit(0))
    found = [attempt(lambda: open({seed!r}).read()), attempt(lambda: os.listdir({hidden!r}))]
    assert all(isinstance(refusal, OSError) for refusal in found), found
    raise ValueError("everything was refused")
"""
pytestmark = pytest.mark.jail


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A course with three hand-ins below a folder that everybody may enter."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    with tempfile.TemporaryDirectory(prefix="labkit-levels-", dir="/tmp") as name:
        base = Path(name)
        base.chmod(0o755)
        ignored = shutil.ignore_patterns(".*", "__pycache__")
        labs = Path(__file__).parents[1] / "judge" / "labs"
        shutil.copytree(labs / LAB, base / "solutions" / LAB, ignore=ignored)
        course = init_course(base / "course", seed="a seed", solutions=base / "solutions")
        solved = json.loads((course.root / "source" / LAB / f"{LAB}.ipynb").read_text())
        release = json.loads(course.release_path(LAB).read_text())
        hand_in(course, "solved", solved)
        hand_in(course, "wrong", solved, scale=WRONG)
        seed = str(base / "course" / "course.json")
        words = {"mark": str(base / "mark"), "seed": seed, "hidden": str(base / "solutions")}
        hand_in(course, "hostile", release, scale=HOSTILE.format(**words))
        yield base


def hand_in(course: Course, student: str, notebook: Any, **answers: str) -> None:
    path = course.submitted(student, LAB) / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    copied = json.loads(json.dumps(notebook))
    for cell in copied["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(copied))


@pytest.fixture
def course(template: Path, home: Path) -> Course:
    """A copy that the situation's user may own."""
    shutil.copytree(template / "course", home / "course")
    return Course.load(home / "course")


def sandbox_of(situation: Situation, home: Path) -> tuple[int, dict[str, str]]:
    """The exit code of `labkit doctor --json` and what it found of a sandbox."""
    done = situation.labkit("doctor", "--json", home=home)
    findings = json.loads(done.stdout)["findings"]
    return done.returncode, next(found for found in findings if found["name"] == "sandbox")


@pytest.mark.slow
def test_the_grades_are_the_same_and_the_level_is_the_one_that_doctor_tells(
    situation: Situation, course: Course, template: Path, home: Path
) -> None:
    code, found = sandbox_of(situation, home)
    assert (code, found["status"]) == (0, "ok")
    level = found["found"].removeprefix("level ")[0]
    assert level == ("B" if situation.name == "container" else probe().level)
    assert bool(found["remedy"]) == (level == "B")
    situation.owns(course.root)
    done = situation.labkit("grade", LAB, "--course", str(course.root), "--json", home=home)
    assert done.returncode == 0, done.stderr
    results = {result["student"]: result["verdict"] for result in json.loads(done.stdout)}
    assert points(results["solved"]) == FULL
    assert points(results["wrong"]) == FULL | {"scale": 0.0}
    assert points(results["hostile"]) == dict.fromkeys(FULL, 0.0)
    (scale, *_) = results["hostile"]["exercises"]
    assert scale["error"].splitlines()[0] == "ValueError: everything was refused"
    assert not (template / "mark").exists()
    assert {verdict["level"] for verdict in results.values()} == {level}
    assert {line["level"] for line in ledger.read(course.ledger_path)} == {level}
    owner = os.geteuid() if situation.user is None else situation.user
    assert {path.stat().st_uid for path in course.root.rglob("*")} == {owner}


def points(verdict: dict[str, Any]) -> dict[str, float]:
    return {exercise["exercise"]: exercise["points"] for exercise in verdict["exercises"]}


NO_LANDLOCK = ("ENOSYS:landlock_create_ruleset",)
NO_SECCOMP = ("EINVAL:seccomp_filter", "ENOSYS:seccomp")
REFUSED = {
    "landlock": (NO_LANDLOCK, "landlock is missing: landlock_create_ruleset", "Use Linux 5.13"),
    "seccomp": (NO_SECCOMP, "seccomp is missing: prctl(22)", "CONFIG_SECCOMP_FILTER"),
}


@pytest.mark.parametrize("primitive", REFUSED)
def test_without_a_primitive_nothing_is_graded_and_the_refusal_says_what_and_why(
    primitive: str, course: Course, home: Path
) -> None:
    rules, reason, remedy = REFUSED[primitive]
    situation = Situation(f"no {primitive}", without(*rules))
    code, found = sandbox_of(situation, home)
    assert (code, found["status"]) == (3, "missing")
    assert "none (" in found["found"] and f"{primitive}: missing: " in found["found"]
    assert remedy in found["remedy"]
    before = (course.root / "gradebook.db").read_bytes()
    done = situation.labkit("grade", LAB, "--course", str(course.root), home=home)
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.startswith("labkit: No sandbox here, so no student's code is run: ")
    assert reason in done.stderr and remedy in done.stderr and "--trust-students" in done.stderr
    assert (course.root / "gradebook.db").read_bytes() == before
    assert [*course.verdicts.iterdir(), *course.root.glob("autograded/*")] == []
    assert not course.ledger_path.exists()


def test_the_judge_alone_refuses_too(repository: Path, home: Path) -> None:
    """`pytest judge.py --submission FILE` asks for the same sandbox."""
    lab = "lab05_lora_math"
    judge = repository / "solutions" / lab / "judge.py"
    submission = repository / "labs" / lab / f"{lab}.ipynb"
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", str(judge))
    situation = Situation("no landlock", without(*NO_LANDLOCK))
    done = situation.python(*words, f"--submission={submission}", home=home)
    assert done.returncode not in (0, 1)
    assert "landlock is missing: landlock_create_ruleset" in done.stdout + done.stderr
