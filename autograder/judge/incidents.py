"""What the judge could see of an attack or of a limit that was hit: a closed list of words.

An incident accuses nobody: an endless loop is one too. The words go into the ledger and to the
instructor. The student reads the sentences made here instead: what was exceeded, how much there
was, and what to do next.
"""

from __future__ import annotations

from typing import Literal, get_args

from autograder.lab import Limits, SubmissionLimits

Incident = Literal[
    "cpu limit",
    "wall limit",
    "memory limit",
    "output limit",
    "submission limit",
    "process ended",
    "forged answer",
    "changed answer",
    "refused",
    "service budget",
    "door refused",
]
"""In the order above: an exercise's processor time, waiting time, memory and printed text were used
up; the whole hand-in's time was; the code ended its own process (exit, crash, signal, a call that
kills); it sent bytes that answer no question; it answered one question in two ways; it raised
PermissionError, as what the jail denies does; it asked the Tinker service for more than its budget
or too often; it tried the door with another key, or for a route that is not Tinker's."""

INCIDENTS: tuple[Incident, ...] = get_args(Incident)
OTHER_CELLS = "other cells"
"""Where incidents of cells that belong to no exercise are kept. No exercise can be called so."""

_OF_REASON: dict[str, Incident] = {
    "timeout": "cpu limit",
    "memory": "memory limit",
    "output": "output limit",
    "protocol": "forged answer",
}
_ADVICE: dict[Incident, str] = {
    "cpu limit": ("Look for a loop that never ends, or for work that is done again in every step."),
    "wall limit": "Take out what waits: sleep, input, or a lock that nobody opens.",
    "memory limit": (
        "Look for a list or an array that grows in every step, or is larger than the answer needs."
    ),
    "output limit": "Take out the print calls inside loops, then check again.",
    "submission limit": (
        "All exercises share this time: make the slowest one faster, and this one will be judged."
    ),
    "process ended": (
        "Take out what ends Python (exit, os._exit, a crash in native code), then check again."
    ),
    "forged answer": "Answer with return only: take out what writes to files or descriptors.",
    "changed answer": "Make the answer depend on the arguments alone.",
    "refused": (
        "Take out what opens files or connections or starts programs: grading allows none of them."
    ),
    "service budget": (
        "Train fewer steps or on fewer tokens, and send no request twice: the budget is fixed."
    ),
    "door refused": "Reach the Tinker service with connect() only, with the key that is given.",
}


def incident_of(reason: str, *, waited: bool = False) -> Incident:
    """The word for how a process ended. `waited`: out of time without having used the CPU's."""
    return "wall limit" if waited else _OF_REASON.get(reason, "process ended")


def limit_text(incident: Incident, limits: Limits, total: SubmissionLimits) -> str:
    """How much of what was exceeded there is; empty where the incident is no limit."""
    match incident:
        case "cpu limit":
            return f"{limits.cpu_seconds:g} s of processor time"
        case "wall limit":
            return f"{limits.wall_seconds:g} s of waiting for answers"
        case "memory limit":
            return f"{limits.memory_mb} MB"
        case "output limit":
            return f"{limits.output_kb} KB of printed text"
        case "submission limit":
            cpu, wall = f"{total.cpu_seconds:g} s", f"{total.wall_seconds:g} s"
            return f"{cpu} of processor time and {wall} in all for the whole hand-in"
        case _:
            return ""


def advice(incident: Incident) -> str:
    """What a student does next."""
    return _ADVICE[incident]
