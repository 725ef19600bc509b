"""The same judge with the student's code in a real jail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.errors import LabError
from autograder.judge.places import local_spawn
from autograder.judge.runner import PRELOAD, judge, run
from autograder.judge.session import Choice
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import load_spec
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox.client import Zygote
from autograder.sandbox.ops import SourceCell

pytestmark = pytest.mark.jail

LAB = Path(__file__).parent / "labs" / "lab90_tiny"
Cells = tuple[SourceCell, ...]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", *PRELOAD)) as zygote:
        yield zygote


def with_answer(exercise: str, source: str) -> Cells:
    return replace_cell(reference_cells(LAB), exercise, source)


def scale(zygote: Zygote, source: str) -> ExerciseVerdict:
    cells = with_answer("scale", source)
    return judge(cells, LAB, zygote=zygote, seed="test", exercises=["scale"]).exercises[0]


def test_the_reference_gets_every_point_at_the_jails_level(zygote: Zygote) -> None:
    verdict = judge(reference_cells(LAB), LAB, zygote=zygote, seed="test", notes=["a note"])
    assert verdict.points == verdict.max_points
    assert (verdict.level, verdict.notes) == (zygote.level, ("a note",))


def test_a_jailed_answer_gets_the_verdict_it_gets_here(zygote: Zygote) -> None:
    spec = load_spec(LAB)
    for path in sorted((LAB / "mistakes").glob("*.py")):
        exercise = path.stem.split("__")[0]
        cells = with_answer(exercise, source_of(path)[1])
        choice = Choice(seed="test", exercises=(exercise,))
        local, _ = run(cells, LAB, spec, local_spawn(spec), choice, file="judge.py")
        jailed = judge(cells, LAB, zygote=zygote, seed="test", exercises=[exercise])
        assert jailed.exercises == local.exercises


def test_a_verdict_has_the_same_bytes_whatever_runs_beside_it(zygote: Zygote) -> None:
    cells = with_answer("scale", "def scale(v, t): return v * t + np.random.rand()")

    def one(_: int) -> str:
        return judge(cells, LAB, zygote=zygote, seed="test").model_dump_json()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(4)))) == 1


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("while True: pass", "timeout", "used up its time"),
        ("import os; os._exit(0)", "error", "ended its own process"),
        ("import ctypes; ctypes.string_at(0)", "error", "ended its own process"),
        ("return bytearray(10**11)", "error", "used more memory"),
        ("print('x' * 10**7); return v", "error", "printed more"),
    ],
)
def test_code_that_ends_costs_its_exercise_only(
    zygote: Zygote, source: str, status: str, said: str
) -> None:
    cells = with_answer("scale", f"def scale(v, t):\n    {source}")
    first, *others = judge(cells, LAB, zygote=zygote, seed="test").exercises
    assert (first.status, first.points) == (status, 0)
    assert said in (first.error or "")
    assert first.counterexample is not None
    assert first.counterexample.call == "scale(array([1.0]), 1)"
    assert [e.status for e in others] == ["passed", "passed"]


def test_a_cell_that_ends_its_process_costs_its_exercise_only(zygote: Zygote) -> None:
    verdict = judge(with_answer("scale", "import os; os._exit(1)"), LAB, zygote=zygote, seed="test")
    assert [e.status for e in verdict.exercises] == ["error", "passed", "passed"]
    assert "while running this cell" in (verdict.exercises[0].error or "")


def test_what_the_code_prints_goes_to_the_instructor(zygote: Zygote) -> None:
    printed: dict[str, str] = {}
    cells = with_answer("scale", "def scale(v, t):\n    print('hello')\n    return v")
    verdict = judge(cells, LAB, zygote=zygote, seed="test", on_stdout=printed.__setitem__)
    assert printed["scale"].startswith("hello")
    assert "hello" not in verdict.model_dump_json()


def test_vandalism_in_one_exercise_does_not_reach_the_next(zygote: Zygote) -> None:
    spoil = (
        "def scale(v, t):\n    import builtins\n    builtins.sum = None\n"
        "    globals()['ratio'] = lambda a, b: 7\n    return v"
    )
    verdict = judge(with_answer("scale", spoil), LAB, zygote=zygote, seed="test")
    assert [e.status for e in verdict.exercises] == ["failed", "passed", "passed"]


SPY = """\
said = []
def scale(v, t):
    if not said:
        said.append(look())
    raise ValueError(said[0])

def look():
    import gc, sys
    name = 'judge' + chr(46) + 'py'
    try: text = open({folder!r} + '/' + name).read()
    except OSError: text = ''
    text += ' '.join(str(getattr(m, '__file__', '')) for m in sys.modules.values())
    found = {{name}} if name in text else set()
    marks = ['C' + chr(65) + 'NARY', 'planted' + chr(46) + 'here']
    gc.unfreeze()
    # The collector lists no strings and no code: they are found in what holds them.
    waiting = [*gc.get_objects(), sys._getframe()]
    known = {{id(o) for o in (*waiting, *marks, marks, waiting)}}
    strings = 0
    for holder in waiting:
        for held in gc.get_referents(holder):
            if id(held) in known:
                continue
            known.add(id(held))
            if isinstance(held, (str, bytes)):
                strings += 1
                shown = held if isinstance(held, str) else held.decode('latin-1')
                found |= {{mark for mark in marks if mark in shown}}
            else:
                waiting.append(held)
    return f'{{strings > 20_000}}: {{" ".join(sorted(found)) or "nothing"}}'
"""


def test_nothing_hidden_can_be_read_from_inside(zygote: Zygote) -> None:
    spy = SPY.format(folder=str(LAB))
    assert "ValueError: True: nothing" in (scale(zygote, spy).error or "")


def test_what_stands_anywhere_inside_would_be_found(zygote: Zygote) -> None:
    planted = "class Deep:\n    kept = {'a': [(1, b'it is planted' + b'.here')]}\n"
    spy = planted + SPY.format(folder=str(LAB))
    assert "ValueError: True: planted.here" in (scale(zygote, spy).error or "")


def test_of_the_judges_lines_that_run_inside_no_comment_can_be_read(zygote: Zygote) -> None:
    spy = (
        "def ratio(a, b):\n    import sys\n    frame, text = sys._getframe(), ''\n"
        "    while frame is not None:\n"
        "        text, frame = text + repr(list(frame.f_locals.values())), frame.f_back\n"
        "    seen = 'lines' if 'ratio(a, b)' in text else 'nothing'\n"
        "    raise ValueError('comment' if 'CANARY' + '_7' in text else seen)"
    )
    verdict = judge(with_answer("ratio", spy), LAB, zygote=zygote, seed="test")
    assert "ValueError: lines" in (verdict.exercises[2].error or "")


def test_a_broken_lab_is_said_in_one_sentence(zygote: Zygote, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is no lab"):
        judge(reference_cells(LAB), tmp_path, zygote=zygote, seed="test")


def test_the_seed_changes_the_inputs_and_is_told(zygote: Zygote) -> None:
    verdicts: list[Verdict] = [
        judge(reference_cells(LAB), LAB, zygote=zygote, seed=seed, exercises=["ratio"])
        for seed in ("one", "two")
    ]
    assert [v.seed for v in verdicts] == ["one", "two"]
