"""Attacks by names: letters that look alike, names that Python folds, ids that collide."""

from typing import Any

from ..harness import Attack
from .timing import RIGHT

CYRILLIC = "ѕсаlе"  # noqa: RUF001
FULLWIDTH = "ｓｃａｌｅ"  # noqa: RUF001


def named(what: str, **more: Any) -> Attack:
    return Attack(family="names", name=what, **more)


def second_cell(grade_id: str, source: str) -> Any:
    """Adds a solution cell with another `grade_id`."""

    def edit(notebook: dict[str, Any]) -> None:
        metadata = {"nbgrader": {"grade_id": grade_id, "solution": True}, "tags": ["solution"]}
        cell = {"id": "x", "cell_type": "code", "metadata": metadata, "outputs": []}
        notebook["cells"].append({**cell, "source": source, "execution_count": None})

    return edit


ATTACKS = [
    named(
        "spells its function with Cyrillic letters",
        instead=RIGHT.replace("scale", CYRILLIC),
        status="error",
        says="defines no scale",
    ),
    named(
        "defines a right twin with Cyrillic letters beside the wrong one",
        code=RIGHT.replace("scale", CYRILLIC),
        place="cell",
    ),
    named(
        "overwrites its function under a name that Python folds",
        instead=f"{RIGHT}\ndef {FULLWIDTH}(values, target):\n    return values\n",
    ),
    named(
        "hides its function behind a zero-width space",
        instead="globals()['scale\\u200b'] = lambda values, target: values\n",
        status="error",
        says="defines no scale",
    ),
    named(
        "gives a second cell a grade_id that looks like another",
        edit=second_cell("ѕсаlе", "soften = Counter = lambda *a: True\n"),  # noqa: RUF001
        status="failed",
    ),
    named(
        "folds numpy's name onto its own object",
        code="class ｎｐ:\n    float32 = float\n    def __getattr__(self, name): return True\n",  # noqa: RUF001
        place="helper",
    ),
    named(
        "names its function so that it reverses the line",
        instead="def scale(values, target):\n    raise NameError('\\u202edessap :elacs\\u2066')\n",
        status="error",
    ),
    named(
        "says that its name is not defined, with markup for a name",
        instead="def scale(values, target):\n"
        "    raise NameError(\"name '<b>scale</b>' is not defined\")\n",
        status="error",
    ),
    named(
        "shadows the names that the judge's lines use",
        code="list = dict = str = float = type = round = isinstance = lambda *a: 'passed'\n",
        place="helper",
    ),
]
