"""A lab's description: `lab.yml` as validated, typed data, and where a lab's files are.

One description feeds the notebook (points), the grader (limits), the command line (hints) and the
site. The public copy in `labs/LAB/lab.yml` leaves out rubrics; nothing here reads hidden files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from autograder.errors import LabError

Slug = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Sentence = Annotated[str, Field(min_length=8)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Model):
    """What one exercise of one submission may use. Time is CPU time: load does not change it."""

    cpu_seconds: float = Field(default=10.0, gt=0, le=600)
    wall_seconds: float = Field(default=60.0, gt=0, le=3600)
    memory_mb: int = Field(default=1024, ge=64, le=65536)
    output_kb: int = Field(default=256, ge=1, le=65536)


class SubmissionLimits(_Model):
    """What all exercises of one submission may use together, the running of its cells included."""

    cpu_seconds: float = Field(default=120.0, gt=0, le=7200)
    wall_seconds: float = Field(default=600.0, gt=0, le=14400)


class ServiceSpec(_Model):
    """That a lab needs the Tinker service, and what one exercise of one submission may use of it.

    A lab without it gets no way out of the sandbox at all.
    """

    tokens: int = Field(default=100_000, ge=1, le=10**9)
    """Tokens trained on and sampled."""
    steps: int = Field(default=100, ge=1, le=10**6)
    """Optimizer steps."""
    requests: int = Field(default=5000, ge=10, le=10**6)
    """Requests of any kind. An operation takes two or three; a client also gives signs of life."""
    withhold: bool = False
    """Hold losses back for up to a second, so that the log tells whether steps were pipelined."""
    models: tuple[str, ...] = ()
    """Models served beside `labkit/tiny`, as `labkit serve --model` takes them."""


class Hints(_Model):
    """Three hints, each telling more than the one before."""

    nudge: Sentence
    idea: Sentence
    worked_step: Sentence


class ExerciseSpec(_Model):
    """One exercise: a function or small class in one solution cell with this `name` as grade_id."""

    name: Slug
    title: Sentence
    points: int = Field(ge=1, le=100)
    minutes: int = Field(ge=1, le=60)
    hints: Hints
    limits: Limits = Limits()
    defines: tuple[Slug, ...] = ()
    """Names the solution cell must define; the exercise's own name when left out."""
    calls_service: bool = True
    """Whether it may ask the Tinker service, in a lab that has one. One that may not gets no door,
    and is judged as in a lab without: at a fraction of the cost."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names the student's cell must define."""
        return self.defines or (self.name,)


class WrittenSpec(_Model):
    """One written question, graded by hand against its rubric."""

    name: Slug
    title: Sentence
    points: int = Field(ge=1, le=100)
    rubric: tuple[Sentence, ...] = ()


class LabSpec(_Model):
    """One lab. `name` is the folder's name, the nbgrader assignment and the notebook's stem."""

    name: Slug
    title: Sentence
    able_to: Annotated[tuple[Sentence, ...], Field(min_length=3, max_length=3)]
    minutes: int = Field(ge=5, le=600)
    difficulty: int = Field(ge=1, le=5)
    importance: int = Field(ge=1, le=5)
    prerequisites: tuple[str, ...] = ()
    exercises: Annotated[tuple[ExerciseSpec, ...], Field(min_length=1)]
    written: tuple[WrittenSpec, ...] = ()
    service: ServiceSpec | None = None
    limits: SubmissionLimits = SubmissionLimits()

    @model_validator(mode="after")
    def _exercises_fit_the_whole(self) -> LabSpec:
        for clock in ("cpu_seconds", "wall_seconds"):
            most = getattr(self.limits, clock)
            large = [e.name for e in self.exercises if getattr(e.limits, clock) > most]
            if large:
                raise ValueError(
                    f"{clock} of {', '.join(large)} is more than the {most:g} of the whole "
                    f"submission. Lower it, or raise the lab's own limits.{clock}."
                )
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> LabSpec:
        names = [e.name for e in self.exercises] + [w.name for w in self.written]
        doubled = sorted({n for n in names if names.count(n) > 1})
        if doubled:
            raise ValueError(f"names used twice: {', '.join(doubled)}")
        return self

    @cached_property
    def by_name(self) -> dict[str, ExerciseSpec]:
        """Exercises by name, in the lab's order."""
        return {e.name: e for e in self.exercises}

    def calls_service(self, exercise: str) -> bool:
        """Whether the Tinker service is there for `exercise`."""
        return self.service is not None and self.exercise(exercise).calls_service

    @property
    def automatic_points(self) -> int:
        """Points the judge can give; "full marks" means all of these."""
        return sum(e.points for e in self.exercises)

    def exercise(self, name: str) -> ExerciseSpec:
        """The exercise called `name`.

        Raises:
            LabError: there is none; the message lists those there are.
        """
        if name not in self.by_name:
            known = ", ".join(self.by_name)
            raise LabError(f"{self.name} has no exercise {name!r}. It has: {known}.")
        return self.by_name[name]


def load_spec(folder: Path) -> LabSpec:
    """Read and validate `folder/lab.yml`.

    Raises:
        LabError: the file is missing, is not YAML or breaks the schema.
    """
    path = folder / "lab.yml"
    try:
        raw: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(f"{folder} is no lab: it has no lab.yml.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LabError(f"{path} cannot be read: {error}") from error
    try:
        spec = LabSpec.model_validate(raw)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'lab'}: {e['msg']}" for e in error.errors()]
        raise LabError(f"{path} does not describe a lab:\n" + "\n".join(lines)) from error
    if spec.name != folder.name:
        raise LabError(f"{path} names the lab {spec.name!r}, but its folder is {folder.name!r}.")
    return spec


def root() -> Path:
    """The folder that holds `labs/` (and `solutions/` for instructors); LABKIT_ROOT overrides."""
    override = os.environ.get("LABKIT_ROOT")
    return Path(override) if override else Path(__file__).resolve().parent.parent


def labs_folder() -> Path:
    """Where the released labs are."""
    return root() / "labs"


def solutions_folder() -> Path:
    """Where the labs' sources are. Absent in a student's kit."""
    return root() / "solutions"


def list_labs(folder: Path) -> list[str]:
    """Names of the labs in `folder`, sorted."""
    return sorted(p.parent.name for p in folder.glob("*/lab.yml"))


def matching(name: str, labs: Sequence[str]) -> list[str]:
    """Those of `labs` that `name` can mean: the lab called so, else all that begin so."""
    return [name] if name in labs else [lab for lab in labs if name and lab.startswith(name)]


def lab_path(folder: Path, name: str) -> Path:
    """The folder of lab `name` below `folder`; a unique prefix such as `lab05` is enough.

    Raises:
        LabError: no lab, or more than one, has that name or prefix.
    """
    labs = list_labs(folder)
    found = matching(name, labs)
    if len(found) != 1:
        known = ", ".join(labs) or f"none below {folder}"
        raise LabError(f"{name!r} names {len(found)} labs. Labs here: {known}.")
    return folder / found[0]
