"""Parts of the pages about grading that are written from the code: limits, words, attacks.

The attacks are those of `tests/hostile/attacks/`: each file there has a list `ATTACKS` of data with
a `family` and a `name`. Where that folder is absent only the families are told.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from autograder.judge.incidents import INCIDENTS, Incident
from autograder.lab import Limits, SubmissionLimits

HOSTILE = Path(__file__).resolve().parent.parent / "tests" / "hostile"

WORDS: dict[Incident, str] = {
    "cpu limit": "the exercise's processor time was used up",
    "wall limit": "the exercise's waiting time was used up: the code slept or blocked",
    "memory limit": "it asked for more memory than allowed",
    "output limit": "it printed more than allowed",
    "submission limit": "the time of the whole hand-in was used up",
    "process ended": "it ended its own process: exit, crash or signal",
    "forged answer": "it sent bytes that answer no question, or closed the connection",
    "changed answer": "it answered the same question in two ways",
    "refused": "it raised PermissionError, which is what the jail's denials look like",
    "service budget": "it asked the Tinker service for more than its budget, or too often",
    "door refused": "it came to the door with another key, or for another route than Tinker's",
}

FAMILIES: dict[str, tuple[str, str]] = {
    "process": (
        "exits, kills, forks, runs programs, traces others, leaves a daemon behind",
        "fork, exec, ptrace and signals to others are denied; one SIGKILL ends all there is",
    ),
    "memory": (
        "allocates without end, in Python, numpy or torch",
        "an address space of its own size; only the exercise ends",
    ),
    "cpu": (
        "loops, ignores signals, sleeps, works in threads",
        "the judge reads the process's own CPU clock; a clock on the wall for sleepers",
    ),
    "output": (
        "floods what it prints, past Python too",
        "text is cut at the limit and ends the exercise; it goes to the instructor only",
    ),
    "files": (
        "uses up descriptors, disk or inodes",
        "limits for each; the scratch folder is 64 MiB of memory that ends with the process",
    ),
    "reads": (
        "looks for solutions, the gradebook, other hand-ins, the environment, /proc",
        "A: these files do not exist inside. B: they cannot be opened. The environment is empty",
    ),
    "writes": (
        "changes other hand-ins, the gradebook, installed libraries, start-up files",
        "all is read-only but the scratch folder; at level B nothing can be written",
    ),
    "network": (
        "connects, listens, sends: TCP, UDP, IPv6, Unix and abstract sockets, netlink",
        "no socket can be made; at level A the network is its own and leads nowhere",
    ),
    "door": (
        "uses other keys, other runs and the owner's routes; floods, holds, spends, malforms",
        "a trusted relay reads each request whole, lets one key and Tinker's own API pass, counts",
    ),
    "searching": (
        "searches frames, garbage collector and modules for the reference or the inputs",
        "they are in another process; only the inputs of the call at hand are there",
    ),
    "patching": (
        "replaces functions of Python, numpy, torch, hypothesis, the wire or IPython",
        "comparing happens in the judge's process, which the code cannot touch",
    ),
    "values": (
        "returns things that claim to equal everything, subclasses, endless structures",
        "only plain data of a closed set of types travels, checked for type, size and depth",
    ),
    "protocol": (
        "writes forged answers to the judge's connection",
        "an answer is data and holds no verdict; what answers no question ends the exercise",
    ),
    "notebook": (
        "edits points, metadata, locked, doubled, moved or retyped cells, stored outputs",
        "answers are put into the pristine release; only the judge writes outputs",
    ),
    "archive": (
        "hands in links, bombs, paths out of the folder, no notebook at all",
        "sizes and names are checked, links dropped; what cannot be read gets 0 with a reason",
    ),
    "timing": (
        "answers differently each time, looks for the judge, remembers what was asked",
        "an answer that changes is wrong; inputs come from the course's seed",
    ),
    "names": (
        "defines the exercise under a name that only looks the same",
        "names are what Python reads, for the judge as for the notebook",
    ),
}
USUAL = "what counts happens in the judge's process, which the code cannot reach"


def lab_limits() -> str:
    """The limits with their defaults."""
    limits, total = Limits(), SubmissionLimits()
    rows = [
        f"| processor time | {limits.cpu_seconds:g} s | {total.cpu_seconds:g} s |",
        f"| waiting for answers | {limits.wall_seconds:g} s | {total.wall_seconds:g} s |",
        f"| memory, beside the libraries' | {limits.memory_mb} MB | |",
        f"| printed text | {limits.output_kb} KB | |",
    ]
    return "\n".join(["| | an exercise | all together |", "| --- | ---: | ---: |", *rows])


def incidents() -> str:
    """The closed list of words for what the judge could see."""
    rows = [f"| `{word}` | {WORDS[word]} |" for word in INCIDENTS]
    return "\n".join(["| word | what was seen |", "| --- | --- |", *rows])


def attacks(folder: Path = HOSTILE) -> str:
    """The families with what holds them, and every attack of the suite by its name."""
    found = by_family(folder)
    names = [*FAMILIES, *(family for family in found if family not in FAMILIES)]
    rows: list[str] = []
    for family in names:
        told, holds = FAMILIES.get(family, (found.get(family, [""])[0], USUAL))
        tried = str(len(found[family])) if family in found else ""
        rows.append(f"| {cell(family)} | {cell(told)} | {cell(holds)} | {tried} |")
    heads = ["| family | what the code tries | what holds | tests |", "| --- | --- | --- | ---: |"]
    return "\n".join([*heads, *rows, *listing(found)])


def listing(found: Mapping[str, Iterable[str]]) -> list[str]:
    """Every attack, folded away by family."""
    lines: list[str] = []
    for family, names in found.items():
        lines += ["", f'??? note "{family}"', "", *(f"    - {cell(name)}" for name in names)]
    return lines


def by_family(folder: Path) -> dict[str, list[str]]:
    """The names of the suite's attacks, in its order; empty where there is no suite."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / "attacks").glob("*.py")):
        if path.stem != "__init__":
            for attack in loaded(folder, path.stem).ATTACKS:
                found.setdefault(attack.family, []).append(attack.name)
    return found


def loaded(folder: Path, name: str) -> ModuleType:
    """A file of attacks. Its relative imports need a package: one is made of the folder."""
    package = f"labkit_hostile_{abs(hash(folder)):x}"
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(folder)]
    return importlib.import_module(f"{package}.attacks.{name}")


def cell(text: str) -> str:
    """Text that may stand in a table's cell or a list, whatever signs an attack has in its name."""
    return re.sub(r"([\\*_<>\[\]|`])", r"\\\1", " ".join(text.split()))
