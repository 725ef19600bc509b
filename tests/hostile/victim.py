"""Another submission at work on the same service: what an attack through the door must not touch.

The service is the real one over an engine without torch, so that an attack costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import tinker

from autograder.judge.service import GradedService, Tenant
from autograder.lab import ServiceSpec
from tests.service.conftest import Running
from tests.service.null_engine import NAME


@dataclass(frozen=True)
class Victim:
    """What the other submission has, and what an attacker might have learned of it."""

    service: Running
    tenant: Tenant
    client: tinker.TrainingClient
    session: str
    model: str
    checkpoint: str
    request: str

    def untouched(self) -> bool:
        """Whether its model trains on, and its checkpoint is there and private."""
        given = {"target_tokens": [2], "weights": [1.0]}
        datum = tinker.Datum(model_input=tinker.ModelInput.from_ints([1]), loss_fn_inputs=given)
        self.client.forward(data=[datum], loss_fn="cross_entropy").result(60)
        assert self.service.inner is not None
        (kept,) = self.service.inner.checkpoints.list(self.tenant._key_id)
        return kept.tinker_path == self.checkpoint and not kept.public

    def names(self) -> dict[str, object]:
        """What the attacks of `attacks/door.py` know."""
        return {
            "BASE": NAME,
            "KEY_ID": self.tenant._key_id,
            "KEYS": {
                "the owner": self.service.key,
                "another submission": self.tenant.api_key,
                "nobody's guess": "tml-guessed",
                "none at all": "",
            },
            "VICTIM": (self.model, self.session, self.checkpoint, self.request),
        }


@contextmanager
def victim_at(service: Running) -> Iterator[Victim]:
    """A submission that trains at `service` and has saved one checkpoint."""
    tenant = GradedService((service.url, service.key), ServiceSpec()).tenant("victim")
    holder = tinker.ServiceClient(base_url=service.url, api_key=tenant.api_key)
    client = holder.create_lora_training_client(NAME, rank=4).result()
    path = client.save_state("mine").result().path
    model = path.removeprefix("tinker://").split("/")[0]
    session = model.partition(":")[0]
    yield Victim(service, tenant, client, session, model, path, f"{model}:1")
    holder.close("success").result(60)
