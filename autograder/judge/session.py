"""The pytest side: collects a judge's cases, runs them on a bench and keeps one result a case."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis.control import _current_build_context  # pyright: ignore[reportPrivateUsage]
from hypothesis.errors import Flaky, HypothesisException

from autograder.errors import LabError, LabkitError
from autograder.judge import fixtures
from autograder.judge.api import RULES_SEEN
from autograder.judge.bench import Bench
from autograder.judge.compare import Rules
from autograder.judge.determinism import (
    SHRINK_EXAMPLES,
    fix_inputs,
    same_inputs_everywhere,
    seed_of,
)
from autograder.judge.failure import (
    Failure,
    JudgeFault,
    explain,
    failure_text,
    flaky_failure,
    stopped_failure,
)
from autograder.judge.rehearsal import Example, Inconsistent, Stage
from autograder.judge.subject import Stopped
from autograder.judge.trace import Trace, weight
from autograder.lab import LabSpec

TRACES_KEPT = 60
"""Examples of one case that are kept for the diagnosis."""
BYTES_KEPT = 32 << 20
"""What their answers may take together, about: code may answer each call with many megabytes."""


@dataclass(frozen=True)
class Case:
    """One test of a judge: what its `exercise` mark says."""

    exercise: str
    name: str
    points: float
    core: bool
    examples: int


@dataclass
class CaseRun:
    """One case while and after it runs."""

    case: Case
    failure: Failure | None = None
    first: Failure | None = None
    traces: list[Trace] = field(default_factory=list[Trace])
    rules: list[Rules] = field(default_factory=list[Rules])
    bytes_kept: int = 0
    tried_since: int = 0
    """Examples tried since the first failure: those of the search for a smaller one."""
    done: bool = False

    def keep(self, trace: Trace) -> None:
        """Keep an example's trace for the diagnosis, up to a limit."""
        if trace and len(self.traces) < TRACES_KEPT and self.bytes_kept < BYTES_KEPT:
            self.traces.append(trace)
            self.bytes_kept += weight(trace)

    def start_again(self) -> None:
        """Forget what happened: the case runs anew, from its first input."""
        self.failure = self.first = None
        self.traces, self.rules = [], []
        self.bytes_kept = self.tried_since = 0

    def note(self, failure: Failure) -> None:
        """A failing example; the last one noted is the smallest, because it is replayed last."""
        self.first = self.first or failure
        self.failure = failure


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which cases run and how. `fast`: stop at the first failure and do not make it smaller."""

    seed: str
    exercises: tuple[str, ...] | None = None
    examples: int | None = None
    fast: bool = False
    scored: bool = True
    """Whether the cases' points must add up to lab.yml's (the hidden judge) or not (checks)."""


class JudgeSession:
    """A pytest plugin for one run of `judge.py` or `checks.py` on one submission."""

    def __init__(
        self, spec: LabSpec, bench: Bench, choice: Choice, stage: Stage | None = None
    ) -> None:
        self.spec = spec
        self.bench = bench
        self.choice = choice
        self.stage = stage or Stage()
        self.runs: list[CaseRun] = []
        self.fault: LabkitError | None = None
        self._now: CaseRun | None = None
        self._by_item: dict[str, CaseRun] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Bring marker and fixtures along: our entry point plugin may not be loaded here."""
        config.addinivalue_line("markers", "exercise(name, points, core, examples): one case.")
        config.stash[fixtures.BENCH] = self.bench
        config.pluginmanager.register(fixtures, "labkit_fixtures")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Keep the inputs the same for the whole loop, and close the last process after it."""
        with ExitStack() as stack:
            stack.callback(self.bench.close)
            stack.enter_context(same_inputs_everywhere())
            return (yield)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose, order and seed the cases."""
        try:
            cases = [(item, self._case(item)) for item in items]
            self._validate([case for _, case in cases])
        except LabError as error:
            self.fault = error
            items.clear()
            return
        wanted = self.choice.exercises
        order = list(self.spec.by_name)
        chosen = [(i, c) for i, c in cases if wanted is None or c.exercise in wanted]
        # Core cases first: if the code dies, it dies after what counts most was judged.
        chosen.sort(key=lambda pair: (order.index(pair[1].exercise), not pair[1].core))
        items[:] = [item for item, _ in chosen]
        for item, case in chosen:
            self._prepare(item, case)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Put the right process behind the fixtures."""
        self._now = self._by_item[item.nodeid]
        try:
            self.bench.turn_to(self.spec.exercise(self._now.case.exercise))
        except LabkitError as error:
            self.fault = error
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Turn how the test ended into the case's result, and the report into plain text."""
        report: Any = yield
        run = self._by_item[item.nodeid]
        if call.excinfo is not None:
            self._ended(run, call.excinfo.value)
            report.longrepr = self._short(run)
        elif call.when == "call":
            run.done = True
        return report

    def _case(self, item: pytest.Item) -> Case:
        mark = item.get_closest_marker("exercise")
        if mark is None or len(mark.args) != 1:
            raise LabError(f"{item.nodeid} has no @exercise(name): every case judges one exercise.")
        self.spec.exercise(mark.args[0])
        options: dict[str, Any] = {"points": 1, "core": True, "examples": 50, **mark.kwargs}
        return Case(exercise=mark.args[0], name=item.name, **options)

    def _validate(self, cases: list[Case]) -> None:
        for exercise in self.spec.exercises:
            points = [case.points for case in cases if case.exercise == exercise.name]
            if not points:
                raise LabError(f"{self.spec.name} has no case for exercise {exercise.name}.")
            if self.choice.scored and abs(sum(points) - exercise.points) > 1e-9:
                raise LabError(
                    f"The cases of {exercise.name} give {sum(points):g} points, "
                    f"but lab.yml says {exercise.points}."
                )

    def _prepare(self, item: pytest.Item, case: Case) -> None:
        function: Any = item
        run = self._by_item[item.nodeid] = CaseRun(case)
        self.runs.append(run)
        function.repr_failure = functools.partial(self._short, run)  # pytest's own reads sources
        test = function.obj
        inner = getattr(getattr(test, "hypothesis", None), "inner_test", None)
        recorded = functools.partial(self.stage.recorded, case.name, exercise=case.exercise)
        if inner is None:
            function.obj = self._watched(recorded(test, generated=False))
            return
        watched = test.hypothesis.inner_test = self._watched(recorded(inner))
        examples = self.stage.examples(case.name)
        if examples is not None:
            function.obj = self._remembered(test, watched, examples)
        fix_inputs(
            test,
            number=seed_of(self.choice.seed, self.spec.name, case.exercise, case.name),
            examples=self.choice.examples or case.examples,
            shrink=not self.choice.fast,
        )

    def _watched(self, test: Callable[..., None]) -> Callable[..., None]:
        """`test` on one example, with its trace and its failure kept."""

        @functools.wraps(test)
        def example(*args: Any, **kwargs: Any) -> None:
            run = self._now
            assert run is not None
            if self._searched_enough(run):
                return
            if self.bench.dead is not None:
                raise Stopped(self.bench.dead)
            self.bench.start_example()
            token = RULES_SEEN.set(run.rules)
            try:
                test(*args, **kwargs)
            except HypothesisException:
                raise
            except Exception as problem:
                run.note(explain(problem, self.bench.subject.trace))
                raise
            finally:
                RULES_SEEN.reset(token)
                run.keep(self.bench.subject.trace)

        return example

    def _remembered(
        self, test: Callable[..., None], watched: Callable[..., None], examples: Sequence[Example]
    ) -> Callable[..., None]:
        """A case that asks what it asked at the rehearsal, and all of `test` if that goes wrong."""

        def case(**fixtures: Any) -> None:
            run = self._now
            assert run is not None
            if self.stage.replay(watched, fixtures, examples):
                return
            differed = run.first
            run.start_again()
            test(**fixtures)
            if differed is not None:
                run.first = differed
                raise Inconsistent

        return case

    def _searched_enough(self, run: CaseRun) -> bool:
        if run.first is None:
            return False
        run.tried_since += 1
        context: Any = _current_build_context.value
        final = context is None or context.is_final
        return run.tried_since > SHRINK_EXAMPLES and not final

    def _ended(self, run: CaseRun, problem: BaseException) -> None:
        """Settle the failure of a case that ended with `problem`."""
        run.done = True
        if isinstance(problem, Stopped):
            run.failure = self._stopped(run, problem)
        elif isinstance(problem, Flaky | Inconsistent) and run.first is not None:
            run.failure = flaky_failure(run.first)
            self.bench.observe("changed answer")
        elif isinstance(problem, HypothesisException) and self.bench.subject.trace:
            # For instance `assume` on an answer: no input made the code give a usable one.
            run.failure = explain(problem, self.bench.subject.trace)
        elif isinstance(problem, JudgeFault | HypothesisException) or run.failure is None:
            text = f"{type(problem).__name__}: {problem}"
            self.fault = self.fault or LabError(f"The case {run.case.name} is broken: {text}")

    def _stopped(self, run: CaseRun, problem: Stopped) -> Failure:
        if problem.reason in ("not attempted", "undefined"):
            return stopped_failure(problem, self.bench.subject.trace)
        if self.bench.dead is not None:
            return Failure("not run")
        self.bench.end_early(problem.reason)
        limit = self.bench.account_for(problem)
        if run.first is not None:
            return run.first  # it died while a smaller input was searched
        failure = stopped_failure(problem, self.bench.subject.trace, limit)
        blamed = problem.reason != "timeout" or self._hangs_alone(problem)
        return failure if blamed else failure.without_call()

    def _hangs_alone(self, problem: Stopped) -> bool:
        try:
            return self.bench.hangs_alone(problem)
        except LabkitError as error:  # no second process to try it in: no verdict then
            self.fault = self.fault or error
            return False

    def _short(self, run: CaseRun, *_: object) -> str:
        return failure_text(run.failure) if run.failure and not self.fault else str(self.fault)
