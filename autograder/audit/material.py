"""What a judge is examined on: the lab's wrong and right answers, as cells ready to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from autograder.audit.mutate import Mutant, mutants
from autograder.errors import LabError
from autograder.lab import LabSpec, load_spec
from autograder.notebook import reference_cells, replace_cell, source_of
from autograder.sandbox.ops import SourceCell

Cells = tuple[SourceCell, ...]


class Survivor(BaseModel):
    """A mutant that behaves like the reference, with the reason why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mutant: str
    reason: str


@dataclass(frozen=True)
class Variant:
    """One answer to one exercise: everything else is the reference's."""

    id: str
    exercise: str
    code: str
    cells: Cells
    sentence: str = ""


@dataclass(frozen=True)
class Material:
    """Everything one lab's judge is examined on."""

    folder: Path
    spec: LabSpec
    reference: Cells
    mistakes: tuple[Variant, ...]
    second: tuple[Variant, ...]
    alternatives: tuple[Variant, ...]
    mutants: tuple[Variant, ...]
    equivalent: dict[str, str]

    def of(self, variants: Sequence[Variant], exercise: str) -> list[Variant]:
        """Those of `variants` that answer `exercise`."""
        return [variant for variant in variants if variant.exercise == exercise]

    def source(self, exercise: str) -> str:
        """The reference's own cell for `exercise`."""
        return next(cell.source for cell in self.reference if cell.id == exercise)


def collect_material(folder: Path) -> Material:
    """Read a lab's source folder.

    Raises:
        LabError: a file names no exercise of the lab, or a mistake has no second version.
    """
    spec, reference = load_spec(folder), reference_cells(folder)
    mistakes = _variants(folder / "mistakes", spec, reference)
    second = _variants(folder / "mistakes" / "second", spec, reference)
    alone = {m.id for m in mistakes} ^ {m.id for m in second}
    if alone:
        raise LabError(
            f"{folder.name}: mistakes without a partner in mistakes/second: {sorted(alone)}"
        )
    return Material(
        folder=folder,
        spec=spec,
        reference=reference,
        mistakes=mistakes,
        second=second,
        alternatives=_variants(folder / "alternatives", spec, reference),
        mutants=_mutants(spec, reference),
        equivalent=_equivalent(folder / "equivalent.yml"),
    )


def _variants(folder: Path, spec: LabSpec, reference: Cells) -> tuple[Variant, ...]:
    found: list[Variant] = []
    for path in sorted(folder.glob("*.py")):
        exercise = path.stem.partition("__")[0]
        if exercise not in spec.by_name:
            known = ", ".join(spec.by_name)
            raise LabError(f"{path} names no exercise before '__'. The lab has: {known}.")
        sentence, code = source_of(path)
        cells = replace_cell(reference, exercise, code)
        found.append(Variant(path.stem, exercise, code, cells, sentence))
    return tuple(found)


def _mutants(spec: LabSpec, reference: Cells) -> tuple[Variant, ...]:
    sources = {cell.id: cell.source for cell in reference if cell.kind == "solution"}
    made: list[tuple[str, Mutant]] = [
        (exercise, mutant)
        for exercise in spec.by_name
        for mutant in mutants(exercise, sources[exercise])
    ]
    return tuple(
        Variant(mutant.id, exercise, mutant.code, replace_cell(reference, exercise, mutant.code))
        for exercise, mutant in made
    )


def _equivalent(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        raw: object = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        survivors = TypeAdapter(list[Survivor]).validate_python(raw)
    except (yaml.YAMLError, ValidationError) as error:
        raise LabError(f"{path}: expected a list of {{mutant, reason}}: {error}") from error
    return {survivor.mutant: survivor.reason for survivor in survivors}
