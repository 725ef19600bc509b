"""The processes that one session's verdicts come from: a zygote, examiners, the Tinker service.

There is an examiner for each lab, and a service as soon as a lab needs one.

Every hand-in is judged by an examiner, a single one too: what a verdict says of code that answers
at random must not depend on how many were judged before.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import EnvironmentRefused
from autograder.judge.observed import Observed
from autograder.judge.verdict import Verdict
from autograder.lab import ServiceSpec, load_spec
from autograder.sandbox.errors import ForkDied
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from autograder.judge.examiner import Examiner
    from autograder.judge.service import Address
    from autograder.sandbox.client import Zygote
    from shared.tinker.embedded import EmbeddedService

Printed = Callable[[str, str], None]


class Processes:
    """Starts what is needed when it is needed. Methods may be called from several threads."""

    def __init__(self, *, seed: str, trust: bool) -> None:
        self._seed = seed
        self._trust = trust
        self._zygote: Zygote | None = None
        self._examiners: dict[Path, Examiner] = {}
        self._asked: Counter[Examiner] = Counter()
        """Questions that wait for an answer."""
        self._needs: dict[Path, ServiceSpec | None] = {}
        self._services: dict[tuple[str, ...], EmbeddedService] = {}
        self._guard = threading.RLock()

    def judge(
        self,
        cells: Sequence[SourceCell],
        lab_dir: Path,
        *,
        level: Any,
        exercises: Sequence[str] | None = None,
        on_stdout: Printed | None = None,
        on_observed: Callable[[Observed], None] | None = None,
    ) -> Verdict:
        """The verdict on grafted cells. The one place that runs a student's code.

        Raises:
            LabError: the lab's own files are wrong.
            EnvironmentRefused: a jail could not be built, or the door to the Tinker service that
                the lab needs.
            ForkDied: the judge's process crashed; asking again may help.
            SandboxError: the zygote is gone; `forget` it, and asking again may help.
        """
        service = self._service(lab_dir, level)
        examiner = self._examiner(lab_dir, self.zygote(level))
        try:
            return examiner.judge(
                cells,
                exercises=exercises,
                on_stdout=on_stdout,
                on_observed=on_observed,
                service=service,
            )
        except ForkDied:
            self._drop(lab_dir, examiner)
            raise
        finally:
            self._leave(examiner)

    def zygote(self, level: Any) -> Zygote:
        """The process that judges fork from, started when first needed."""
        with self._guard:
            if self._zygote is None:
                from autograder.judge.start import judging_zygote

                wanted: Any = None if self._trust else level
                self._zygote = judging_zygote(level=wanted, trust=self._trust)
            return self._zygote

    @property
    def started(self) -> Zygote | None:
        """The zygote, if there is one."""
        return self._zygote

    def forget(self, zygote: Zygote | None) -> None:
        """End a zygote that does not answer, and all that came from it; another one stays."""
        with self._guard:
            if zygote is not None and self._zygote is zygote:
                self.close()

    def close(self) -> None:
        """End them all. What is judged afterwards starts new ones."""
        with self._guard:
            for examiner in self._examiners.values():
                examiner.close()
            self._examiners.clear()
            for service in self._services.values():
                service.stop()
            self._services.clear()
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None

    def _examiner(self, lab_dir: Path, zygote: Zygote) -> Examiner:
        with self._guard:
            if lab_dir not in self._examiners:
                from autograder.judge.examiner import Examiner

                self._examiners[lab_dir] = Examiner(lab_dir, zygote=zygote, seed=self._seed)
            examiner = self._examiners[lab_dir]
            self._asked[examiner] += 1
            return examiner

    def _service(self, lab_dir: Path, level: str) -> Address | None:
        """The service for a lab that needs one: started when first needed, again when it ended."""
        with self._guard:
            if lab_dir not in self._needs:
                self._needs[lab_dir] = load_spec(lab_dir).service
            need = self._needs[lab_dir]
            if need is None:
                return None
            from autograder.judge.service import started
            from autograder.sandbox import door

            reason = door.refusal(level)
            if reason is not None:
                raise EnvironmentRefused(reason)
            there = self._services.get(need.models)
            if there is None or not there.responds():
                if there is not None:
                    there.stop()
                self._services[need.models] = there = started(need)
            return there.url, there.key

    def _drop(self, lab_dir: Path, examiner: Examiner) -> None:
        """Ask `examiner` nothing more. Other threads may still wait for its answers."""
        with self._guard:
            if self._examiners.get(lab_dir) is examiner:
                del self._examiners[lab_dir]

    def _leave(self, examiner: Examiner) -> None:
        """One question less to `examiner`; a dropped one ends with its last."""
        with self._guard:
            self._asked[examiner] -= 1
            idle = self._asked[examiner] == 0
            if idle:
                del self._asked[examiner]
            dropped = examiner not in self._examiners.values()
        if idle and dropped:
            examiner.close()
