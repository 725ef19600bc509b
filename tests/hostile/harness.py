"""How an attack is judged: handed in as a notebook, through the real graft, judge and jail.

An `Attack` is data. An `Arena` is one sandbox level with a lab, its judge and a planted course
around it; `Arena.withstands` asserts that the attack gained nothing and harmed nobody.
"""

from __future__ import annotations

import copy
import os
import shutil
import textwrap
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from autograder.build.release import generate
from autograder.judge.examiner import Examiner
from autograder.judge.feedback import MAX_LINES, as_markdown, as_text
from autograder.judge.runner import PRELOAD
from autograder.judge.service import Address
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import load_spec
from autograder.notebook import graft, read_release, reference_cells
from autograder.sandbox import kernel
from autograder.sandbox.client import Zygote

from .world import World

LAB = Path(__file__).parent / "labs" / "lab94_target"
Place = Literal["call", "cell", "helper"]
ROW = "attack"
"""The property of a test that goes into the table: family, attack, level, how it ended."""
GAINED = "GAINED"
"""What an attack prints when a trick worked; see `attempt` in `PRELUDE`."""

WRONG = {
    "scale": "def scale(values, target):\n    return values\n",
    "soften": "def soften(scores):\n    return scores.abs()\n",
    "counter": (
        "class Counter:\n"
        "    def __init__(self, start): self.total = start\n"
        "    def add(self, n): return n\n"
    ),
    "train": "def train(rate):\n    return rate\n",
}
"""The usual honest version: an answer that is wrong, so that there is something to gain."""

NEXT_STUDENT = 4
"""After so many attacks an honest student's turn comes; damage that stays shows then as well."""

PRELUDE = f'''\
def attempt(*tricks):
    """Try each trick; say so when one works: it returned something true, without an error."""
    for trick in tricks:
        try:
            done = trick()
        except BaseException as refusal:
            print(type(refusal).__name__, refusal)
        else:
            if done: print("{GAINED}", repr(done)[:200])
'''


SYSCALL = f'''\
import ctypes
NUMBERS = { {name: row[kernel.machine() or 0] for name, row in kernel.NUMBERS.items()} }
def call(name, *arguments):
    """Make a system call past Python; true when the kernel did what was asked."""
    number = NUMBERS[name]
    return number is not None and ctypes.CDLL(None).syscall(number, *arguments) >= 0
'''


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One way to cheat. `str()` of it names the test.

    The notebook holds `answer` for `exercise`, with the trick's `code` in one `place`; the other
    exercises are left unwritten. The honest version is the same notebook without the trick.
    """

    family: str
    name: str
    """What the code does, in the third person: "kills its parent"."""
    code: str = ""
    """The trick. It may use the names of `World.names`, and `attempt` of `PRELUDE`."""
    place: Place = "call"
    """In each call of the answer (its arguments are `given`), at the top of the solution cell, or
    in a cell of the student's own before everything."""
    exercise: str = "scale"
    answer: str = ""
    """The honest code; a wrong answer when left out."""
    instead: str | None = None
    """The whole solution cell of the attack, where `code` in a `place` does not fit."""
    edit: Callable[[dict[str, Any]], None] | None = None
    """Changes the notebook as it is handed in."""
    status: str = "failed"
    """How the exercise ends."""
    says: str = ""
    """What the student reads, in part."""
    incident: str = ""
    """The word that the ledger then has for the exercise, where the judge can see anything."""
    waits: bool = False
    """Whether it takes seconds without working: such attacks run beside the others."""
    works_outside: bool = False
    """Whether `attempt` succeeds without a jail, and does no harm there but to the planted files:
    then that is proved too."""

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"

    @property
    def honest(self) -> str:
        """The solution cell without the trick."""
        return self.answer or WRONG[self.exercise]

    @property
    def cell(self) -> str:
        """The solution cell with the trick."""
        if self.instead is not None:
            return self.instead
        if self.place == "helper":
            return self.honest
        if self.place == "cell":
            return f"{self.code}\n{self.honest}"
        inside = textwrap.indent(self.code, "    ")
        return (
            f"{self.honest}\n_answer = {self.exercise}\n\n"
            f"def {self.exercise}(*given):\n{inside}\n    return _answer(*given)\n"
        )


def trick(
    family: str, name: str, code: str, *, place: Place = "call", outside: bool = False
) -> Attack:
    """An attack whose `code` reaches for something and goes on when it is refused."""
    return Attack(family=family, name=name, code=code, place=place, works_outside=outside)


@dataclass(frozen=True)
class Outcome:
    """What came of one attack at one level."""

    verdict: Verdict
    printed: str

    def of(self, exercise: str) -> ExerciseVerdict:
        """The verdict on one exercise."""
        return next(e for e in self.verdict.exercises if e.exercise == exercise)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What an arena's attacks are handed in for, and what else they might reach."""

    lab: Path = LAB
    imports: tuple[str, ...] = ("numpy", "torch")
    """What the lab imports, so that it is warm."""
    service: Address | None = None
    """The Tinker service behind the lab's door."""
    names: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the attacks know beside `World.names`."""
    harm: Callable[[], list[str]] = list
    """What has changed beside the world."""


class Arena:
    """One level: a zygote, the rehearsed judge of a lab, and a world that must stay as it is."""

    def __init__(self, level: str, folder: Path, setting: Setting | None = None) -> None:
        self.level = level
        self.setting = setting or Setting()
        self.lab = self.setting.lab
        self.world = World(folder)
        source = self.world.solutions / self.lab.name
        shutil.copytree(self.lab, source)
        generate(self.lab, self.world.release)
        self.release = read_release(self.world.release / self.lab.name)
        trust = level == "trusted"
        warm = (*self.setting.imports, *PRELOAD)
        self.zygote = Zygote.start(level=level, trust=trust, preload=warm)  # type: ignore[arg-type]
        self.examiner = Examiner(source, zygote=self.zygote, seed="hostile")
        self.goes_on()  # also so that the judge's file is compiled
        self.world.seal(self.zygote)
        self._waiting: dict[str, Future[Outcome]] = {}
        self._pool = ThreadPoolExecutor(4)
        self._withstood = 0
        self._honest = cache(self._judge_honest)

    def begin(self, attacks: Iterable[Attack]) -> None:
        """Start those attacks that only wait, beside all others."""
        for attack in attacks:
            if attack.waits and str(attack) not in self._waiting:
                self._waiting[str(attack)] = self._pool.submit(self.judge, attack)

    def judge(self, attack: Attack) -> Outcome:
        """The verdict on the notebook with the attack in it."""
        helper = self._prelude()
        if attack.place == "helper":
            helper += attack.code
        return self._judge(self.notebook({attack.exercise: attack.cell}, helper, attack.edit))

    def withstands(self, attack: Attack) -> Outcome:
        """Assert that `attack` gained no point, harmed nobody, and is told to the student."""
        waiting = self._waiting.get(str(attack))
        outcome = waiting.result() if waiting else self.judge(attack)
        honest = self._honest(attack.exercise, attack.honest)
        for got, fair in zip(outcome.verdict.exercises, honest.verdict.exercises, strict=True):
            assert got.points <= fair.points, f"points gained:\n{as_text(got)}"
        assert outcome.verdict.level == self.level
        assert GAINED not in outcome.printed, outcome.printed
        harm = [*self.world.changes(), *self.setting.harm()]
        assert harm == [], harm
        self._tells(attack, outcome)
        self._withstood += 1
        if self._withstood % NEXT_STUDENT == 0:
            self.goes_on()
        return outcome

    def succeeds(self, attack: Attack) -> None:
        """Assert that a trick of `attack` works here: only then does its refusal say anything."""
        outcome = self.judge(attack)
        assert GAINED in outcome.printed, outcome.printed

    def goes_on(self) -> None:
        """Assert that the next student, whose answers are right, gets every point."""
        verdict = self.examiner.judge(reference_cells(self.lab), service=self.setting.service)
        assert verdict.points == verdict.max_points == load_spec(self.lab).automatic_points

    def notebook(
        self,
        answers: dict[str, str],
        helper: str = "",
        edit: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """The release with `answers`, a cell of the student's own in front, then edited."""
        notebook: dict[str, Any] = copy.deepcopy(self.release)
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        own = {"id": "own", "cell_type": "code", "metadata": {}, "outputs": [], "source": helper}
        notebook["cells"].insert(0, {**own, "execution_count": None})
        if edit is not None:
            edit(notebook)
        return notebook

    def close(self) -> None:
        """End what runs here; assert that nothing else did, and that students were still judged."""
        self._pool.shutdown()
        try:
            strays = self.world.strays()
            assert strays == [], f"processes left behind: {strays}"
            self.goes_on()
        finally:
            self.examiner.close()
            self.zygote.close()
            self.world.close()

    def _judge_honest(self, exercise: str, answer: str) -> Outcome:
        return self._judge(self.notebook({exercise: answer}, self._prelude()))

    def _prelude(self) -> str:
        more = "".join(f"{name} = {value!r}\n" for name, value in self.setting.names.items())
        return self.world.prelude() + more + PRELUDE

    def _judge(self, notebook: dict[str, Any]) -> Outcome:
        printed: list[str] = []
        cells = graft(notebook, self.release).cells
        verdict = self.examiner.judge(
            cells,
            on_stdout=lambda _, text: printed.append(text),
            service=self.setting.service,
        )
        return Outcome(verdict, "\n".join(printed))

    def _tells(self, attack: Attack, outcome: Outcome) -> None:
        """The student reads what happened, in a few lines, and nothing of what is hidden."""
        verdict = outcome.of(attack.exercise)
        text = as_text(verdict)
        assert verdict.status == attack.status, f"{text}\n{outcome.printed[:2000]}"
        assert attack.says in text
        assert not attack.incident or attack.incident in verdict.incidents
        assert len(text.splitlines()) <= MAX_LINES
        shown = text + as_markdown(verdict) + " ".join(outcome.verdict.notes)
        for hidden in ("CANARY_94", str(self.world.root), os.fspath(self.lab), "autograder/"):
            assert hidden not in shown
