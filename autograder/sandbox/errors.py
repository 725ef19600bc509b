"""What can go wrong around the sandbox.

    SandboxError          the machinery failed, not the student's code
    +-- WireError         bytes that are no message, or a value that must not travel (ValueError)
    +-- JailDied          the jailed process is gone; `reason` says why
    +-- ForkDied          a trusted fork ended without an answer

A machine without the needed kernel features is `autograder.errors.EnvironmentRefused` instead.
"""

from __future__ import annotations

from typing import Literal

Reason = Literal["timeout", "memory", "output", "killed", "protocol"]


class SandboxError(Exception):
    """The sandbox's machinery failed."""


class WireError(SandboxError, ValueError):
    """Bytes that are no message, or a value outside the closed set of types."""


class JailDied(SandboxError):
    """The jailed process is gone, and every later operation on it says so again.

    Attributes:
        reason: timeout, memory, output, killed (crash, exit, signal) or protocol (forged bytes).
        detail: one sentence for a log.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason: Reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class ForkDied(SandboxError):
    """A trusted fork raised, crashed or was killed before it answered."""
