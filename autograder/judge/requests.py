"""What a judge's case grades training by: the Tinker service's own account of one example.

The fixture `requests` is one of these. Nothing in it comes from the student's process; the service
writes down every request with its number, and a hash of each training sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograder.judge.trace import ReadLog
from shared.tinker.service.records import LogEntry
from shared.tinker.service.request_log import datum_hash
from shared.tinker.service.types import Datum
from shared.tinker.service.withhold import Step, steps

Array = NDArray[np.float32] | NDArray[np.int64]

if TYPE_CHECKING:
    from autograder.judge.bench import Bench


class Requests:
    """What the student's code asked the service for, in this example, up to now."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """Every request, in order of arrival. Wait for results in the student's call, not here."""
        subject = self._bench.subject
        subject.ask(ReadLog(), lambda: "the service's log")  # so that a diagnosis compares it
        tenant: Any = subject.log
        return tenant.entries()

    def of(self, *kinds: str) -> tuple[LogEntry, ...]:
        """The requests of these kinds that did not fail: "forward_backward", "optim_step", ..."""
        return tuple(e for e in self.log if e.kind in kinds and "error" not in e.facts)

    @property
    def losses(self) -> list[float]:
        """The loss of every forward_backward, as the service computed it."""
        return [float(e.facts["metrics"]["loss:sum"]) for e in self.of("forward_backward")]

    @property
    def datums(self) -> list[list[str]]:
        """The hashes of every forward_backward's sequences; compare with `hash_of`."""
        return [list(e.facts["datums"]) for e in self.of("forward_backward")]

    @property
    def learning_rates(self) -> list[float]:
        """The learning rate of every optimizer step."""
        return [float(e.facts["learning_rate"]) for e in self.of("optim_step")]

    @property
    def checkpoints(self) -> list[str]:
        """The `tinker://` paths of what was saved by name."""
        saves = self.of("save_weights", "save_weights_for_sampler")
        return [str(e.facts["path"]) for e in saves if e.facts.get("path")]

    @property
    def steps(self) -> list[Step]:
        """Each optimizer step with the forward_backward before it; `pipelined` needs `withhold`."""
        return steps(self.log)


def hash_of(tokens: Sequence[int], **inputs: Sequence[float] | Sequence[int]) -> str:
    """The hash that the log has for this training sequence.

    `inputs` are the loss inputs by name: whole numbers count as int64, others as float32.
    """
    typed = {name: _typed(values) for name, values in inputs.items()}
    return datum_hash(Datum(tokens=np.asarray(tokens, dtype=np.int64), inputs=typed))


def _typed(values: Sequence[float] | Sequence[int]) -> Array:
    array = np.asarray(values)
    return array.astype(np.int64) if array.dtype.kind in "iub" else array.astype(np.float32)
