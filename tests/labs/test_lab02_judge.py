"""Lab 2's own judge: training is graded by what the service was asked, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.judge.feedback import as_text
from autograder.judge.runner import PRELOAD, judge
from autograder.judge.service import Address, service_for
from autograder.judge.verdict import ExerciseVerdict
from autograder.notebook import replace_cell, source_of
from autograder.sandbox.client import Zygote

from .judging import Cells, Judging

LAB = Judging("lab02_sl_loop")

# Mistakes whose feedback is looked at closely: one of each exercise.
SHOWN = {
    "weighted_nll": "mean_over_all_tokens",
    "lora_learning_rate": "full_fine_tuning",
    "lr_schedule": "decay_off_by_one",
    "train_step": "prompt_trained",
    "batches": "last_batch_dropped",
    "train": "schedule_off_by_one",
    "pig_latin_dataset": "ay_forgotten",
    "distil_prompt": "system_prompt_kept",
    "keep_example": "limit_off_by_one",
    "general_skill": "kept_for_forgotten",
}
PRINTS_A_CURVE = """
def train_step(client, batch, lr):
    print("loss 0.1")
    return 0.1
"""
WRITES_A_CURVE = """
def train(client, data, held_out, config, metrics, checkpoints, resume=None):
    total = config.epochs * math.ceil(len(data) / config.batch_size)
    log = RunLog()
    for step in range(total):
        log.losses[step] = 5 / (1 + step)
        rate = lr_schedule(step, total, config.learning_rate, config.kind, config.warmup)
        record = {"step": step, "learning_rate": rate, "progress": (step + 1) / total}
        metrics.write(json.dumps({**record, "train_mean_nll": log.losses[step]}) + "\\n")
    line = {"name": "final", "batch": total, "state_path": "tinker://a/weights/final"}
    checkpoints.write(json.dumps({**line, "best": 0.1, "waited": 0}) + "\\n")
    return log
"""
TRAINS_ONE_AND_TELLS_OF_ALL = """
def train(client, data, held_out, config, metrics, checkpoints, resume=None):
    train_step(client, data[:1], config.learning_rate)
    return RunLog(losses={step: 1.0 for step in range(6)}, held_out={0: 1.0, 6: 0.5})
"""


def found(exercise: str, code: str) -> ExerciseVerdict:
    """The verdict on `code` in place of the reference's answer."""
    cells = replace_cell(LAB.reference, exercise, code)
    return LAB.verdict(cells, exercise=exercise).exercises[0]


def mistaken(exercise: str) -> tuple[str, str]:
    """Sentence and code of the mistake in `SHOWN`."""
    sentence, code = source_of(LAB.lab / "mistakes" / f"{exercise}__{SHOWN[exercise]}.py")
    return " ".join(sentence.split()), code


@pytest.mark.slow
@pytest.mark.parametrize("exercise", SHOWN)
def test_a_wrong_answer_is_caught_named_and_told_how(exercise: str) -> None:
    sentence, code = mistaken(exercise)
    verdict = found(exercise, code)
    assert verdict.status == "failed"
    assert verdict.points < verdict.max_points
    assert verdict.diagnosis == sentence
    assert verdict.counterexample is not None
    assert exercise in verdict.counterexample.call
    assert 0 < len(verdict.counterexample.expected) < 200
    assert len(as_text(verdict).splitlines()) <= 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise", "code"),
    [
        pytest.param("train_step", PRINTS_A_CURVE, id="a step that prints a loss"),
        pytest.param("train", WRITES_A_CURVE, id="a loop that writes both files"),
        pytest.param("train", TRAINS_ONE_AND_TELLS_OF_ALL, id="one step for all"),
    ],
)
def test_who_shows_a_curve_without_training_gets_nothing(exercise: str, code: str) -> None:
    verdict = found(exercise, code)
    assert verdict.status == "failed"
    assert verdict.points == 0


@pytest.mark.slow
@pytest.mark.parametrize("exercise", ["train_step", "train"])
def test_who_trains_by_another_right_loop_gets_everything(exercise: str) -> None:
    others = sorted((LAB.lab / "alternatives").glob(f"{exercise}__*.py"))
    assert len(others) >= 3
    for path in others:
        verdict = found(exercise, source_of(path)[1])
        assert (verdict.status, verdict.points) == ("passed", verdict.max_points), path.stem


@pytest.mark.slow
def test_waiting_between_the_two_requests_costs_its_case_only() -> None:
    code = source_of(LAB.lab / "mistakes" / "train_step__waits_between.py")[1]
    verdict = found("train_step", code)
    assert verdict.max_points - verdict.points == 1


@pytest.mark.slow
def test_a_loop_that_resumes_wrongly_keeps_the_points_for_training() -> None:
    code = source_of(LAB.lab / "mistakes" / "train__resumes_one_step_early.py")[1]
    verdict = found("train", code)
    assert verdict.max_points - verdict.points == 1


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote.start(preload=("numpy", "torch", "transformers", "tinker", *PRELOAD)) as zygote:
        yield zygote


@pytest.fixture(scope="module")
def service() -> Iterator[Address]:
    with service_for(LAB.spec) as address:
        assert address is not None
        yield address


@pytest.mark.jail
@pytest.mark.slow
def test_the_jail_gives_the_verdicts_given_here(zygote: Zygote, service: Address) -> None:
    full = judge(LAB.reference, LAB.lab, zygote=zygote, seed="test", service=service)
    assert full.exercises == LAB.verdict(LAB.reference).exercises
    cells: Cells = replace_cell(LAB.reference, "train_step", mistaken("train_step")[1])
    jailed = judge(
        cells, LAB.lab, zygote=zygote, seed="test", exercises=["train_step"], service=service
    )
    assert jailed.exercises == LAB.verdict(cells, exercise="train_step").exercises
