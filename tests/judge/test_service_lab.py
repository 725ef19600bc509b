"""A lab that trains: student code in a jail, the unmodified SDK, the real service, its own log."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.errors import EnvironmentRefused, LabError
from autograder.grading.processes import Processes
from autograder.judge.examiner import Examiner
from autograder.judge.runner import PRELOAD, check, judge
from autograder.judge.service import Address, service_for
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import load_spec
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox import door
from autograder.sandbox.client import Zygote
from autograder.sandbox.errors import ForkDied
from autograder.sandbox.probe import probe

pytestmark = [pytest.mark.jail, pytest.mark.slow]

LAB = Path(__file__).parent / "labs" / "lab92_service"
SPEC = load_spec(LAB)
Judge = Callable[..., Verdict]


@pytest.fixture(scope="module")
def service() -> Iterator[Address]:
    with service_for(SPEC) as address:
        assert address is not None
        yield address


@pytest.fixture(scope="module", params=["A", "B"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    if probe().level != "A" and request.param == "A":
        pytest.skip("this kernel offers no level A")
    with Zygote.start(level=request.param, preload=("torch", "tinker", *PRELOAD)) as zygote:
        yield zygote


def with_train(body: str, *, signature: str = "tokens, steps, learning_rate"):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return replace_cell(reference_cells(LAB), "train", f"def train({signature}):\n{lines}\n")


CLIENT = """\
client = connect().create_lora_training_client(preset().base_model, rank=4, seed=1)
given = {"target_tokens": tokens[1:], "weights": [1.0] * (len(tokens) - 1)}
datum = tinker.Datum(model_input=tinker.ModelInput.from_ints(tokens[:-1]), loss_fn_inputs=given)
"""


def train_only(verdict: Verdict) -> ExerciseVerdict:
    (found,) = verdict.exercises
    return found


def test_honest_training_gets_every_point(zygote: Zygote, service: Address) -> None:
    verdict = judge(reference_cells(LAB), LAB, zygote=zygote, seed="x", service=service)
    assert verdict.points == verdict.max_points == 4
    assert verdict.level == zygote.level
    assert verdict.notes == ((door.WEAKER,) if zygote.level == "B" else ())


def test_what_was_really_sent_decides_and_a_known_mistake_is_named(
    zygote: Zygote, service: Address
) -> None:
    code = source_of(LAB / "mistakes" / "train__other_rate.py")[1]
    cells = replace_cell(reference_cells(LAB), "train", code)
    found = train_only(
        judge(cells, LAB, zygote=zygote, seed="x", service=service, exercises=["train"])
    )
    assert (found.status, found.points) == ("failed", 0)
    assert found.counterexample is not None
    assert found.counterexample.call == "train([11, 12, 13, 14, 15], 3, 0.02)"
    assert found.counterexample.expected == "[0.02, 0.02, 0.02]"
    assert found.diagnosis == "You do not hand the learning rate on to the optimizer."


def test_claims_without_training_get_nothing(zygote: Zygote, service: Address) -> None:
    cells = with_train("return [3.0 - n for n in range(steps)]")
    found = train_only(
        judge(cells, LAB, zygote=zygote, seed="x", service=service, exercises=["train"])
    )
    assert (found.status, found.points) == ("failed", 0)
    assert found.counterexample is not None and found.counterexample.got == "[]"


def test_a_budget_used_up_is_a_verdict_that_says_so(zygote: Zygote, service: Address) -> None:
    greedy = CLIENT + (
        "for _ in range(9):\n"
        "    client.forward_backward([datum], 'cross_entropy')\n"
        "    client.optim_step(tinker.AdamParams(learning_rate=learning_rate)).result()"
    )
    cells = with_train(greedy)
    verdict = judge(cells, LAB, zygote=zygote, seed="x", service=service, exercises=["train"])
    found = train_only(verdict)
    assert (found.status, found.points) == ("error", 0)
    assert "The budget of this API key is used up" in (found.error or "")
    told = "train: your code asked the Tinker service for more than this exercise's budget of"
    assert any(note.startswith(told) for note in verdict.notes)


def test_two_submissions_at_once_do_not_disturb_each_other(
    zygote: Zygote, service: Address
) -> None:
    verdicts: list[Verdict] = []

    def one() -> None:
        cells = reference_cells(LAB)
        verdicts.append(judge(cells, LAB, zygote=zygote, seed="x", service=service))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.points for verdict in verdicts] == [4, 4]
    assert verdicts[0] == verdicts[1]


def test_a_lab_that_needs_the_service_is_not_judged_without(zygote: Zygote) -> None:
    with pytest.raises(LabError, match="needs the Tinker service"):
        judge(reference_cells(LAB), LAB, zygote=zygote, seed="x")


def test_public_checks_train_in_this_process(service: Address) -> None:
    verdict = check(reference_cells(LAB), LAB, service=service)
    assert [found.status for found in verdict.exercises] == ["passed", "passed"]
    assert "TINKER_API_KEY" not in os.environ


def test_a_service_that_dies_is_nobodys_mistake_and_is_started_again() -> None:
    processes = Processes(seed="x", trust=False)
    level = probe().level
    lost: list[str] = []

    def verdict() -> Verdict:
        return processes.judge(reference_cells(LAB), LAB, level=level, on_stdout=lambda *_: None)

    def kill_when_training() -> None:
        (running,) = processes._services.values()
        end = time.monotonic() + 60
        while not running.status()["training_models"] and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)

    try:
        assert verdict().points == 4
        killer = threading.Thread(target=kill_when_training)
        killer.start()
        try:
            verdict()
        except ForkDied as error:
            lost.append(str(error))
        killer.join()
        assert len(lost) == 1 and "ServiceLost" in lost[0]
        assert verdict().points == 4
    finally:
        processes.close()
    assert processes._services == {}


def test_at_level_b_an_old_kernel_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.landlock, "abi", lambda: 3)
    processes = Processes(seed="x", trust=False)
    with pytest.raises(EnvironmentRefused, match=r"landlock version 4 \(Linux 6.7\)"):
        processes.judge(reference_cells(LAB), LAB, level="B", on_stdout=lambda *_: None)
    assert processes.started is None  # nothing was started for nothing


def test_an_examiner_judges_it_too(zygote: Zygote, service: Address) -> None:
    if zygote.level == "B":
        pytest.skip("the level makes no difference to an examiner")
    examiner = Examiner(LAB, zygote=zygote, seed="x")
    try:
        assert examiner.judge(reference_cells(LAB), service=service).points == 4
    finally:
        examiner.close()


DOORS = """\
def double(number):
    import os
    assert not [name for name in os.environ if name.startswith("TINKER")]
    return 2 * number
"""


def test_an_exercise_that_calls_no_service_has_no_door_and_is_looked_at(
    zygote: Zygote, service: Address
) -> None:
    examiner = Examiner(LAB, zygote=zygote, seed="x")
    honest = reference_cells(LAB)
    wrong = replace_cell(honest, "double", "def double(number):\n    return number\n")
    try:
        for cells in (replace_cell(honest, "double", DOORS), wrong):
            verdict = examiner.judge(cells, service=service)
            assert verdict == judge(cells, LAB, zygote=zygote, seed="x", service=service)
            assert [e.exercise for e in verdict.exercises] == ["train", "double"]
            assert verdict.exercises[1].points == (0 if cells is wrong else 1)
    finally:
        examiner.close()


def test_what_mistakes_answered_is_remembered_and_changes_no_verdict(
    zygote: Zygote, service: Address
) -> None:
    if zygote.level == "B":
        pytest.skip("the level makes no difference to an examiner")
    known = source_of(LAB / "mistakes" / "train__other_rate.py")[1]
    known_mistake = replace_cell(reference_cells(LAB), "train", known)
    unknown_mistake = with_train("return [3.0 - n for n in range(steps)]")
    examiner = Examiner(LAB, zygote=zygote, seed="x")
    try:
        for cells in (known_mistake, unknown_mistake):
            first = examiner.judge(cells, service=service)
            learned = dict(examiner._remembered)
            assert learned
            assert examiner.judge(cells, service=service) == first
            assert examiner._remembered == learned  # nothing new was asked
            assert first == judge(cells, LAB, zygote=zygote, seed="x", service=service)
    finally:
        examiner.close()


def test_the_stub_is_compared_with_no_mistake(zygote: Zygote, service: Address) -> None:
    if zygote.level == "B":
        pytest.skip("the level makes no difference to an examiner")
    stub = with_train("raise NotImplementedError('lab92 train: train')")
    examiner = Examiner(LAB, zygote=zygote, seed="x")
    try:
        verdict = examiner.judge(stub, service=service, exercises=["train"])
        assert train_only(verdict).status == "not attempted"
        assert examiner._remembered == {}
    finally:
        examiner.close()
