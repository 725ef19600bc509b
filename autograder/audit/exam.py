"""Runs a lab's judge over right, wrong and mutated answers and holds the results to fixed bars.

The bars are the same for every lab; `site/how-grading-works.md` lists them for readers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autograder.audit.material import Cells, Material, Variant, collect_material
from autograder.audit.mutate import normalised
from autograder.audit.report import AuditReport, Bar
from autograder.judge.runner import judge
from autograder.judge.service import Address, service_for
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import graft, read_notebook
from autograder.sandbox.client import Zygote

MIN_MISTAKES, MIN_ALTERNATIVES, MIN_CHECKS = 4, 3, 3
MIN_DIAGNOSED = 0.90
MIN_KILLED = 0.98
MAX_EQUIVALENT = 0.05
EQUIVALENT_INPUTS = 10_000
AUDIT_SEED = "audit"

Progress = Callable[[str, int, int], None]
"""Called with what is examined, how many are done and how many there are."""


def _silent(_what: str, _done: int, _total: int) -> None:
    """Progress for nobody."""


@dataclass(frozen=True, kw_only=True)
class Exam:
    """One audit in progress: the material, where it is judged and who is told."""

    material: Material
    release: Path
    zygote: Zygote
    jobs: int
    progress: Progress = _silent
    equivalent_inputs: int = EQUIVALENT_INPUTS
    service: Address | None = None

    def verdict(self, cells: Cells, **options: object) -> Verdict:
        """The judge's verdict on one set of cells."""
        own = {"zygote": self.zygote, "seed": AUDIT_SEED, "service": self.service}
        chosen: dict[str, object] = {**own, **options}
        return judge(cells, self.material.folder, **chosen)  # pyright: ignore[reportArgumentType]

    def own(self, variant: Variant, **options: object) -> ExerciseVerdict:
        """The verdict on the one exercise that `variant` answers."""
        return self.verdict(variant.cells, exercises=[variant.exercise], **options).exercises[0]

    def each(
        self, what: str, variants: Sequence[Variant], **options: object
    ) -> list[tuple[Variant, ExerciseVerdict]]:
        """`own` for each of `variants`, `jobs` at a time, in their order."""
        results: list[tuple[Variant, ExerciseVerdict]] = []
        with ThreadPoolExecutor(self.jobs) as pool:
            for verdict in pool.map(partial(self.own, **options), variants):
                results.append((variants[len(results)], verdict))
                self.progress(what, len(results), len(variants))
        return results


def audit_lab(
    folder: Path,
    release: Path,
    *,
    zygote: Zygote,
    jobs: int = 2,
    progress: Progress = _silent,
    equivalent_inputs: int = EQUIVALENT_INPUTS,
) -> AuditReport:
    """Examine the judge of the lab in `folder`, whose students get `release`.

    A mutant listed as equivalent must survive `equivalent_inputs` generated inputs a case.

    Raises:
        LabError: the lab's source is incomplete.
        EnvironmentRefused: no sandbox here.
    """
    material = collect_material(folder)
    with service_for(material.spec) as service:
        exam = Exam(
            material=material,
            release=release,
            zygote=zygote,
            jobs=jobs,
            progress=progress,
            equivalent_inputs=equivalent_inputs,
            service=service,
        )
        bars = (
            *_ends(exam),
            _enough(exam.material),
            *_mistakes(exam),
            *_alternatives(exam),
            *_mutants(exam),
        )
    return AuditReport(lab=exam.material.spec.name, bars=bars)


def _ends(exam: Exam) -> tuple[Bar, Bar, Bar]:
    """The stub gets nothing and the reference everything, from judge and public checks alike."""
    pristine = read_notebook(exam.release / f"{exam.release.name}.ipynb")
    stub_cells = graft(pristine, pristine).cells
    stub, full = exam.verdict(stub_cells), exam.verdict(exam.material.reference)
    public_stub = exam.verdict(stub_cells, file="checks.py")
    public_full = exam.verdict(exam.material.reference, file="checks.py")
    scored = [f"{e.exercise} gives the stub {e.points}" for e in stub.exercises if e.points > 0]
    scored += [
        f"{e.exercise} passes a public case" for e in public_stub.exercises if e.cases_passed
    ]
    lost = [_lost(e) for e in (*full.exercises, *public_full.exercises) if e.status != "passed"]
    return (
        Bar(name="stub", measured=f"{stub.points:g} points", required="0", failures=tuple(scored)),
        Bar(
            name="reference",
            measured=f"{full.points:g} of {full.max_points:g} points",
            required="all, and every public check",
            failures=tuple(lost),
        ),
        _public_cases(public_full),
    )


def _public_cases(verdict: Verdict) -> Bar:
    counts = {e.exercise: e.cases_total for e in verdict.exercises}
    few = [f"{name} has {count}" for name, count in counts.items() if count < MIN_CHECKS]
    return Bar(
        name="public cases",
        measured=f"{sum(counts.values())} over {len(counts)} exercises",
        required=f">= {MIN_CHECKS} an exercise",
        failures=tuple(few),
    )


def _lost(verdict: ExerciseVerdict) -> str:
    found = verdict.counterexample.call if verdict.counterexample else verdict.error
    return f"{verdict.exercise}: {verdict.points:g} of {verdict.max_points:g} ({found})"


def _enough(material: Material) -> Bar:
    """Every exercise has enough mistakes and alternatives."""
    kinds = {"mistakes": MIN_MISTAKES, "alternatives": MIN_ALTERNATIVES}
    lacking: list[str] = []
    for kind, least in kinds.items():
        counts = Counter(variant.exercise for variant in getattr(material, kind))
        lacking += [
            f"{exercise} has {counts[exercise]} {kind}"
            for exercise in material.spec.by_name
            if counts[exercise] < least
        ]
    return Bar(
        name="material",
        measured=f"{len(material.mistakes)} mistakes, {len(material.alternatives)} alternatives",
        required=f">= {MIN_MISTAKES} mistakes and {MIN_ALTERNATIVES} alternatives an exercise",
        failures=tuple(lacking),
    )


def _mistakes(exam: Exam) -> tuple[Bar, Bar, Bar]:
    """Mistakes are rejected, pass a public case, and are told apart."""
    material = exam.material
    first = exam.each("mistakes", material.mistakes)
    second = exam.each("second versions", material.second)
    public = exam.each("public checks", material.mistakes, file="checks.py")
    caught = [f"{v.id} gets {r.status}" for v, r in (*first, *second) if r.status != "failed"]
    mute = [f"{v.id} passes no public case" for v, r in public if r.cases_passed == 0]
    judged = len(first) + len(second)
    return (
        Bar(
            name="mistakes caught",
            measured=f"{judged - len(caught)} of {judged}",
            required="all, both versions, by their own exercise",
            failures=tuple(caught),
        ),
        Bar(
            name="mistakes run",
            measured=f"{len(public) - len(mute)} of {len(public)}",
            required="each passes at least one public case",
            failures=tuple(mute),
        ),
        _diagnosed(first, second),
    )


def _diagnosed(
    first: Sequence[tuple[Variant, ExerciseVerdict]],
    second: Sequence[tuple[Variant, ExerciseVerdict]],
) -> Bar:
    pairs = [*first, *second]
    wrong = [
        f"{v.id} is told it is {r.diagnosis_id}"
        for v, r in pairs
        if r.diagnosis_id not in (None, v.id)
    ]
    silent = [v.id for v, r in second if r.diagnosis_id is None]
    told = sum(r.diagnosis_id == v.id for v, r in second)
    share = told / max(1, len(second))
    failures = wrong + ([f"{v} gets no diagnosis" for v in silent] if share < MIN_DIAGNOSED else [])
    return Bar(
        name="mistakes diagnosed",
        measured=f"{told} of {len(second)} second versions ({share:.0%})",
        required=f">= {MIN_DIAGNOSED:.0%}, and never another mistake's diagnosis",
        failures=tuple(failures),
    )


def _alternatives(exam: Exam) -> tuple[Bar, Bar]:
    """Right answers get everything and are really different answers."""
    results = exam.each("alternatives", exam.material.alternatives)
    rejected = [f"{v.id}: {_lost(r)}" for v, r in results if r.status != "passed"]
    doubles: list[str] = []
    for exercise in exam.material.spec.by_name:
        shapes = {normalised(exam.material.source(exercise)): "the reference"}
        for variant in exam.material.of(exam.material.alternatives, exercise):
            other = shapes.setdefault(normalised(variant.code), variant.id)
            if other != variant.id:
                doubles.append(f"{variant.id} is {other} with other names")
    return (
        Bar(
            name="alternatives accepted",
            measured=f"{len(results) - len(rejected)} of {len(results)}",
            required="all, with full points",
            failures=tuple(rejected),
        ),
        Bar(
            name="alternatives differ",
            measured=f"{len(doubles)} doubles",
            required="0, by normalised syntax tree",
            failures=tuple(doubles),
        ),
    )


def _mutants(exam: Exam) -> tuple[Bar, Bar]:
    """Mechanical slips are noticed; what is not noticed is the same function."""
    listed = exam.material.equivalent
    judged = exam.each("mutants", exam.material.mutants, fast=True)
    alive = [variant for variant, result in judged if result.status == "passed"]
    total = len(exam.material.mutants)
    countable = max(1, total - len(listed))
    unlisted = [f"{v.id} survives:\n{v.code}" for v in alive if v.id not in listed]
    share = 1 - len(unlisted) / countable
    return (
        Bar(
            name="mutants killed",
            measured=f"{countable - len(unlisted)} of {countable} ({share:.1%})",
            required=f">= {MIN_KILLED:.0%}, and every survivor listed in equivalent.yml",
            failures=tuple(unlisted),
        ),
        _equivalents(exam, {v.id: v for v in exam.material.mutants}, {v.id for v in alive}),
    )


def _equivalents(exam: Exam, by_id: dict[str, Variant], alive: set[str]) -> Bar:
    listed = exam.material.equivalent
    stale = [
        f"{name}: the judge kills it, or it is gone: unlist it"
        for name in listed
        if name not in alive
    ]
    chosen = [by_id[name] for name in listed if name in alive]
    many_inputs = exam.equivalent_inputs
    long_run = exam.each("equivalent mutants", chosen, examples=many_inputs, local=True)
    broken = [f"{v.id}: {_lost(r)}" for v, r in long_run if r.status != "passed"]
    share = len(listed) / max(1, len(by_id))
    many = [f"{share:.1%} of all mutants are listed"] if share > MAX_EQUIVALENT else []
    return Bar(
        name="equivalent mutants",
        measured=f"{len(listed)} of {len(by_id)} ({share:.1%}), {many_inputs} inputs each",
        required=f"<= {MAX_EQUIVALENT:.0%}, each survives",
        failures=tuple(stale + broken + many),
    )
