"""What a judge reads of the service's log, and what reading it and training costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from autograder.judge.runner import PRELOAD
from autograder.judge.service import GradedService, Tenant, started
from autograder.lab import ServiceSpec
from autograder.sandbox import client
from shared.tinker.service.records import LogEntry


def entry(number: int) -> LogEntry:
    return LogEntry(
        arrival_order=number, release_order=None, key_id="k", session_id="s", model_id=None,
        kind="optim_step", seq_id=None, arrived_at=0.0, released_at=None,
        facts={"learning_rate": float(number)},
    )  # fmt: skip


class Service(GradedService):
    """Stands where the service's owner would answer: its log, and how often that was asked for."""

    def __init__(self) -> None:
        self.kept: list[LogEntry] = []
        self.asked = 0

    def ask(self, question: Callable[[Any], Any]) -> Any:
        self.asked += 1
        return question(self)

    def log(self, key_id: str, after: int = 0) -> tuple[LogEntry, ...]:
        assert key_id == "k"
        return tuple(e for e in self.kept if e.arrival_order > after)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def tenant(service: Service) -> Tenant:
    return Tenant(service, "train", "k", "tml-k")


def test_all_that_is_read_between_two_operations_is_one_account(
    service: Service, tenant: Tenant
) -> None:
    service.kept = [entry(1)]
    seen = tenant.entries()
    service.kept.append(entry(2))  # by a thread that did not wait for its results
    assert tenant.entries() == seen == (entry(1),)
    assert tenant.evidence() == [{"kind": "optim_step", "learning_rate": 1.0}]
    assert service.asked == 1


def test_an_operation_opens_a_new_one(service: Service, tenant: Tenant) -> None:
    assert tenant.entries() == ()
    tenant.operates()
    service.kept = [entry(1)]
    assert tenant.entries() == (entry(1),)


def test_a_mark_forgets_also_what_came_after_the_last_look(
    service: Service, tenant: Tenant
) -> None:
    service.kept = [entry(1)]
    assert tenant.entries() == (entry(1),)
    service.kept.append(entry(2))
    tenant.mark()
    service.kept.append(entry(3))
    assert tenant.entries() == (entry(3),)


TRAINS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
before = set(sys.modules)
import tinker
from shared.tinker import connect, preset
client = connect().create_lora_training_client(preset().base_model, rank=4, seed=1).result()
inputs = {"target_tokens": [2, 3], "weights": [1.0, 1.0]}
datum = tinker.Datum(model_input=tinker.ModelInput.from_ints([1, 2]), loss_fn_inputs=inputs)
computed = client.forward_backward([datum], "cross_entropy")
client.optim_step(tinker.AdamParams(learning_rate=1e-3)).result()
computed.result()
client.save_state("here").result()
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.slow
def test_a_jailed_client_finds_imported_what_it_needs() -> None:
    """Each import would be paid for by each process of each hand-in."""
    with started(ServiceSpec(tokens=1000, steps=10, requests=100, withhold=False)) as embedded:
        there = {"TINKER_BASE_URL": embedded.url, "TINKER_API_KEY": embedded.key}
        command = [sys.executable, "-c", TRAINS, *client.PRELOAD, *PRELOAD]
        done = subprocess.run(
            command, env=os.environ | there, capture_output=True, text=True, check=True
        )
    late = {name.partition(".")[0] for name in done.stdout.split()}
    assert late <= {"encodings", "shared", "stringprep"}
