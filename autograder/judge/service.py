"""The Tinker service as one run of a judge sees it: a key of its own for each process of code.

The service belongs to whoever started the run; here keys are made, logs read and keys ended, all
with the owner's key, which no student code ever holds. When the service is gone, no answer is to
blame: the run ends with `ServiceLost`, and whoever asked for it may ask again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from autograder.errors import LabError
from autograder.lab import LabSpec, ServiceSpec
from autograder.sandbox.errors import SandboxError
from shared.tinker.errors import UnreachableError
from shared.tinker.owner import Owner
from shared.tinker.service.records import LogEntry

T = TypeVar("T")

Address = tuple[str, str]
"""Where a service is, and its owner's key."""

_FACTS = frozenset(
    {"loss_fn", "loss_config", "datums", "tokens", "metrics", "learning_rate", "beta1", "beta2",
     "eps", "weight_decay", "grad_clip_norm", "error", "base_model"}
)  # fmt: skip
"""What of a log entry is the same whenever the same is asked. Names and paths are not."""

_BUDGET = "The budget of this API key is used up"


class ServiceLost(SandboxError):
    """The service has ended or does not answer."""


class Tenant:
    """One process of code with its key, its budget and its log."""

    def __init__(self, service: GradedService, name: str, key_id: str, api_key: str) -> None:
        self.name = name
        self.api_key = api_key
        self._service = service
        self._key_id = key_id
        self._seen = 0
        self._account: tuple[LogEntry, ...] | None = None
        self._ended = False

    def environment(self, url: str) -> dict[str, str]:
        """What makes `connect()` and the SDK use this key at `url`."""
        return {"TINKER_BASE_URL": url, "TINKER_API_KEY": self.api_key, "TINKER_TELEMETRY": "0"}

    def entries(self) -> tuple[LogEntry, ...]:
        """What was asked since the last mark, in order of arrival.

        The service is asked once after each `operates`: all that is compared is of one account.
        """
        if self._account is None:
            self._account = self._read()
        return self._account

    def operates(self) -> None:
        """The code gets something to do: what was read before is no longer all."""
        self._account = None

    def mark(self) -> None:
        """Forget what was asked until now."""
        found = self._read()
        self._seen = found[-1].arrival_order if found else self._seen
        self._account = None

    def evidence(self) -> list[dict[str, object]]:
        """What was asked since the last mark, without what differs from run to run."""
        return [
            {"kind": entry.kind, **{n: v for n, v in entry.facts.items() if n in _FACTS}}
            for entry in self.entries()
        ]

    def _read(self) -> tuple[LogEntry, ...]:
        return self._service.ask(lambda owner: owner.log(self._key_id, self._seen))

    def end(self) -> tuple[str, ...]:
        """End the key. Returns what a verdict should say of its budget. Twice is fine."""
        if self._ended:
            return ()
        self._ended = True
        log = self._service.ask(lambda owner: owner.log(self._key_id))
        self._service.ask(lambda owner: owner.end(self._key_id))
        spec = self._service.spec
        if any(str(entry.facts.get("error", "")).startswith(_BUDGET) for entry in log):
            return (
                f"{self.name}: your code asked the Tinker service for more than this exercise's "
                f"budget of {spec.tokens:,} tokens and {spec.steps:,} optimizer steps.",
            )
        return ()


class GradedService:
    """A running service, for one run of a judge over one submission."""

    def __init__(self, address: Address, spec: ServiceSpec) -> None:
        self.url = address[0]
        self.spec = spec
        self.lost: str | None = None
        self._owner = Owner(*address)
        self._tenants: list[Tenant] = []

    def tenant(self, name: str) -> Tenant:
        """A new key with the lab's budget; `name` says for what."""
        spec = self.spec
        key_id, api_key = self.ask(
            lambda owner: owner.new_key(
                name,
                budget_tokens=spec.tokens,
                budget_steps=spec.steps,
                withhold=spec.withhold,
            )
        )
        tenant = Tenant(self, name, key_id, api_key)
        self._tenants.append(tenant)
        return tenant

    def ask(self, question: Callable[[Owner], T]) -> T:
        """The owner's answer.

        Raises:
            ServiceLost: there is none.
        """
        self.check()
        try:
            return question(self._owner)
        except UnreachableError as error:
            self.lost = str(error)
            raise ServiceLost(self.lost) from error

    def check(self) -> None:
        """Raise `ServiceLost` if the service could not be asked at some time."""
        if self.lost is not None:
            raise ServiceLost(self.lost)

    def close(self) -> None:
        """End every key that was made here."""
        for tenant in self._tenants:
            with contextlib.suppress(ServiceLost):
                tenant.end()


@contextmanager
def graded_service(lab: LabSpec, address: Address | None) -> Generator[GradedService | None]:
    """The service for one run over `lab`; None when the lab needs none.

    Raises:
        LabError: the lab needs one and there is none.
        ServiceLost: at the end, when it was lost on the way: then no verdict counts.
    """
    if lab.service is None:
        yield None
        return
    if address is None:
        raise LabError(f"{lab.name} needs the Tinker service, and nobody started one for this run.")
    service = GradedService(address, lab.service)
    try:
        yield service
    finally:
        service.close()
        service.check()


@contextmanager
def service_for(lab: LabSpec) -> Generator[Address | None]:
    """A service of one's own for as long as the context lasts, if `lab` needs one."""
    if lab.service is None:
        yield None
        return
    with started(lab.service) as service:
        yield service.url, service.key


def started(spec: ServiceSpec, **options: Any) -> Any:
    """A started `EmbeddedService` that serves what the lab needs; whoever asks stops it."""
    from shared.tinker.embedded import EmbeddedService

    return EmbeddedService.start(models=spec.models, **options)


@contextmanager
def variables(values: Mapping[str, str]) -> Generator[None]:
    """Environment variables for the time of the context."""
    import os

    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
