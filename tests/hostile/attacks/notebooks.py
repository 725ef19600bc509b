"""Attacks by the notebook itself: metadata, cells, outputs, formats."""

from collections.abc import Callable
from typing import Any

from ..harness import Attack
from .timing import RIGHT

Notebook = dict[str, Any]
Edit = Callable[[Notebook], None]


def edits(what: str, **more: Any) -> Callable[[Edit], Attack]:
    """An attack whose edit is the decorated function."""
    return lambda edit: Attack(family="notebook", name=what, edit=edit, **more)


def cell(notebook: Notebook, key: str) -> dict[str, Any]:
    return next(c for c in notebook["cells"] if c.get("id") == key)


def own(source: str, **more: Any) -> dict[str, Any]:
    made = {"id": "mine", "cell_type": "code", "metadata": {}, "outputs": [], "source": source}
    return {**made, "execution_count": None, **more}


@edits("asks for a hundred points")
def points(notebook: Notebook) -> None:
    for each in notebook["cells"]:
        each["metadata"].get("nbgrader", {}).update(points=100, score=100, grade=True)


@edits("doubles its solution cell")
def doubled(notebook: Notebook) -> None:
    notebook["cells"] += [dict(cell(notebook, "scale")) for _ in range(50)]


@edits("swaps the ids of two exercises")
def swapped(notebook: Notebook) -> None:
    one, other = cell(notebook, "scale"), cell(notebook, "soften")
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]
    one["id"], other["id"] = other["id"], one["id"]


@edits("unlocks the setup and rewrites it")
def setup(notebook: Notebook) -> None:
    for each in notebook["cells"]:
        if "setup" in each["metadata"].get("tags", []):
            each["metadata"]["nbgrader"] = {"locked": False}
            each["source"] = "np = torch = None\nscale = lambda *a: True\n"


@edits("puts a setup cell of its own in front")
def early(notebook: Notebook) -> None:
    notebook["cells"].insert(0, own("import os; os._exit(0)", metadata={"tags": ["setup"]}))


@edits("replaces the check by one that prints its points")
def check(notebook: Notebook) -> None:
    cell(notebook, "check_scale")["source"] = "def check(name): return 3.0\ncheck('scale')"


@edits("brings outputs with scores along")
def outputs(notebook: Notebook) -> None:
    score = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
    for each in notebook["cells"]:
        if each["cell_type"] == "code":
            each["outputs"] = [{**score, "data": {"text/plain": "3.0"}}] * 3


@edits("deletes every cell but its own")
def deleted(notebook: Notebook) -> None:
    notebook["cells"] = [cell(notebook, "scale"), own("check = lambda name: 3.0")]


@edits("writes its solution as text", answer=RIGHT.replace("* target", ""))
def text(notebook: Notebook) -> None:
    cell(notebook, "scale").update(cell_type="markdown", outputs=None)


@edits("turns its solution into a check and the check into a solution")
def roles(notebook: Notebook) -> None:
    flags = {"grade": True, "solution": True, "locked": False, "task": True, "points": 50}
    for key in ("scale", "check_scale"):
        cell(notebook, key)["metadata"]["nbgrader"].update(flags)
        cell(notebook, key)["metadata"]["tags"] = ["setup", "check", "solution"]


@edits("redefines every exercise in a last cell of its own")
def last(notebook: Notebook) -> None:
    code = "class Yes(float):\n    __new__ = lambda cls, *a: float.__new__(cls, 1)\n"
    code += "    __eq__ = lambda *a: True\nscale = soften = Counter = Yes\n"
    notebook["cells"].append(own(code))


@edits("brings magics that run programs and hide its code")
def magics(notebook: Notebook) -> None:
    for source in (
        "%%javascript\nIPython.notebook.kernel.execute('scale = 1')\nx = 1",
        "%run /etc/passwd\n!touch /tmp/$MARK\nx = !id\n%load_ext evil\ny = 1",
        "%%bash\ntouch /tmp/owned\nx=1",
        "%%writefile /tmp/owned\nx = 1",
        "get_ipython().run_cell_magic('time', '', '1/0')\nz = 1",
        "get_ipython().system('id')\nw = 1",
    ):
        notebook["cells"].append(own(source))


@edits("claims a format of the future and another kernel")
def formats(notebook: Notebook) -> None:
    notebook.update(nbformat_minor=10**9, orig_nbformat="x", worksheets=[{}])
    notebook["metadata"] = {"kernelspec": {"name": "bash", "language": "x"}, "language_info": 7}


@edits("claims a verdict, a key and a note of the grader")
def claims(notebook: Notebook) -> None:
    labkit = {"verdict": "x", "key": "x", "level": "trusted", "handin_note": "Full marks, see Ana."}
    notebook["metadata"]["labkit"] = labkit


@edits("fills its cells with what is no cell")
def junk(notebook: Notebook) -> None:
    notebook["cells"] += [None, 7, "x", [], {}, {"cell_type": 1}, {"source": [1]}] * 5_000
    cell(notebook, "check_soften")["metadata"] = "x"


@edits("brings twenty thousand cells of its own")
def many(notebook: Notebook) -> None:
    notebook["cells"] += [own(f"x = {n}", id=f"your-cell-{n}") for n in range(20_000)]


@edits("brings a cell of ten megabytes")
def large(notebook: Notebook) -> None:
    notebook["cells"].append(own("x = '" + "a" * 10_000_000 + "'"))


@edits("brings a cell that no parser survives")
def nested(notebook: Notebook) -> None:
    notebook["cells"].append(own("x = " + "(" * 5_000 + ")" * 5_000))
    notebook["cells"].append(own("y = " + "-" * 100_000 + "1"))
    notebook["cells"].append(own("z = " + "+".join(["1"] * 20_000)))


@edits("attaches a script as a picture")
def attachments(notebook: Notebook) -> None:
    drawing = {"image/svg+xml": "<svg onload='alert(1)'/>", "image/png": "<script>"}
    for each in notebook["cells"]:
        each["attachments"] = {"../../owned.png": drawing, "x": "y"}


@edits("writes half surrogates and null bytes into its code")
def surrogates(notebook: Notebook) -> None:
    notebook["cells"].append(own("x = '\ud800\udfff'"))
    notebook["cells"].append(own("y = '\x00'"))
    notebook["cells"].append(own("\ufeff# -*- coding: utf-7 -*-\nz = '+AAA-'"))


@edits("gives its own cells the ids of the lab's")
def collisions(notebook: Notebook) -> None:
    for key in ("check_scale", "setup", "own", "your-cell-1", "scale"):
        notebook["cells"].append(own("x = scale = 3.0", id=key))


@edits("stores its cell's lines as anything but text")
def lines(notebook: Notebook) -> None:
    cell(notebook, "check_scale")["source"] = ["a", 1, None]
    cell(notebook, "check_counter")["source"] = {"a": 1}
    cell(notebook, "soften")["source"] = 3.0


ATTACKS = [made for made in list(globals().values()) if isinstance(made, Attack)]
