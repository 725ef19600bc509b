"""IPython's additions are taken out with a note; everything else runs where it stood."""

import pytest

from autograder.sandbox.cells import prepare


def run(source):
    prepared = prepare(source, "<cell>")
    scope = {}
    exec(prepared.code, scope)
    return scope, prepared.notes


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("%matplotlib inline\nx = 1", "left out: %matplotlib inline"),
        ("!pip install evil\nx = 1", "left out: !pip install evil"),
        ("x = 1\ny = !ls", "left out: !ls"),
        ("x = 1\nx?", "left out: %pinfo x"),
        ("%%time\nx = 1", "%%time was left out, its body ran"),
        (
            "\n\n%%capture out\n%matplotlib inline\nx = 1",
            "%%capture out was left out, its body ran",
        ),
        ("%time x = 1", "%time x = 1 was left out, its body ran"),
        ("get_ipython().run_line_magic('load_ext', 'x')\nx = 1", "left out: %load_ext x"),
    ],
)
def test_magics_are_dropped_with_a_note_and_the_rest_runs(source, note):
    scope, notes = run(source)
    assert scope["x"] == 1 and note in notes


def test_a_cell_for_another_language_is_dropped_whole():
    scope, notes = run("%%bash\nrm -rf /")
    assert notes == ("left out: %%bash",) and set(scope) == {"__builtins__"}


@pytest.mark.parametrize(
    "source", ["\n\n%%time\n1/0", "%matplotlib inline\n!ls\n%time 1/0\n", "\n\n1/0"]
)
def test_line_numbers_are_those_of_the_notebook(source):
    prepared = prepare(source, "<cell>")
    with pytest.raises(ZeroDivisionError) as caught:
        exec(prepared.code, {})
    line = caught.tb.tb_next.tb_lineno
    assert "1/0" in source.splitlines()[line - 1]


@pytest.mark.parametrize("source", ["def f(:", "x = ", "%time x =", "%%time\nx = (", "\0", "("])
def test_what_is_no_python_is_a_syntax_error(source):
    with pytest.raises((SyntaxError, ValueError)):
        prepare(source, "<cell>")


def test_percent_and_bang_inside_python_are_left_alone():
    scope, notes = run("x = 7 % 4\ny = '''\n%time\n!ls\n'''\nz = x != 3")
    assert notes == () and scope["y"] == "\n%time\n!ls\n" and scope["z"] is False
