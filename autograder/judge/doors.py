"""Subjects whose code may use the Tinker service, each by a key of its own.

DoorSubject      in a jail, by the jail's one door
TenantSubject    in this process: the reference, known mistakes, a student's own check
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.errors import EnvironmentRefused
from autograder.judge.service import GradedService, Tenant, variables
from autograder.judge.subject import JailSubject, LocalSubject
from autograder.sandbox import door
from autograder.sandbox.errors import JailDied
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import CellReport, Op, Outcome, SourceCell
from autograder.sandbox.relay import Relay
from autograder.sandbox.toll import Toll


def jail_with_door(
    zygote: Any, limits: Limits, service: GradedService, *, exercise: str, stub: str
) -> DoorSubject:
    """A fresh jail whose code can reach the service and nothing else.

    Raises:
        EnvironmentRefused: the zygote's level can have no door on this machine.
    """
    reason = door.refusal(zygote.level)
    if reason is not None:
        raise EnvironmentRefused(reason)
    tenant = service.tenant(exercise)
    listener = None if zygote.level == "A" else door.listen_here()
    port = door.INNER_PORT if listener is None else listener.getsockname()[1]
    environment = tenant.environment(f"http://127.0.0.1:{port}")
    try:
        jail = zygote.spawn(limits, door.Door(port=port, environment=environment))
    except BaseException:
        if listener is not None:
            listener.close()
        raise
    toll = Toll(tenant.api_key, service.spec.requests)
    relay = Relay(listener or jail.listener, service.url, toll)
    return DoorSubject(jail, service, tenant, relay, toll, stub=stub)


class DoorSubject(JailSubject):
    """Untrusted code in a jail with a door."""

    def __init__(
        self,
        jail: Any,
        service: GradedService,
        tenant: Tenant,
        relay: Relay,
        toll: Toll,
        *,
        stub: str | None = None,
    ) -> None:
        super().__init__(jail, JailDied, stub=stub)
        self.log = tenant
        self._service, self._tenant = service, tenant
        self._relay, self._toll = relay, toll

    def _execute(self, op: Op) -> Outcome:
        self._tenant.operates()
        return super()._execute(op)

    def close(self) -> str:
        """End the jail, its door and its key."""
        printed = super().close()
        self._relay.close()
        if self._relay.lost is not None:
            self._service.lost = self._service.lost or self._relay.lost
        spent = self._tenant.end()
        self.notes = (
            *((door.WEAKER,) if self.level == "B" else ()),
            *(f"{self._tenant.name}: {refusal}" for refusal in self._toll.refusals),
            *spent,
        )
        if spent or self._toll.refusals:
            self.seen = ("service budget",)
        if self._toll.turned_away:
            self.seen = (*self.seen, "door refused")
        return printed


class TenantSubject(LocalSubject):
    """Trusted code in this process that finds the service, and its own key, in the environment."""

    def __init__(
        self,
        interpreter: Any,
        service: GradedService,
        name: str,
        *,
        stub: str | None = None,
        cpu_seconds: float = 0,
    ) -> None:
        super().__init__(interpreter, stub=stub, cpu_seconds=cpu_seconds)
        self._tenant = service.tenant(name)
        self.log = self._tenant
        self._environment = self._tenant.environment(service.url)

    def _load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        with variables(self._environment):
            return super()._load(cells)

    def _execute(self, op: Op) -> Outcome:
        self._tenant.operates()
        with variables(self._environment):
            return super()._execute(op)

    def close(self) -> str:
        """End its key."""
        self.notes = self._tenant.end()
        return super().close()
