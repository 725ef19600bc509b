"""Cells run as in a notebook; operations answer with copies, handles or described exceptions."""

import linecache
import sys

import numpy as np
import pytest
import torch

from autograder.sandbox import cells
from autograder.sandbox import interpreter as interpreter_module
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.ops import Call, Get, Handle, Method, Raised, Returned, Snippet, SourceCell


def loaded(*sources, **options):
    interpreter = Interpreter(**options)
    reports = interpreter.load(
        [SourceCell(f"c{i}", "solution", source) for i, source in enumerate(sources)]
    )
    return interpreter, reports


def result(source, code, **inputs):
    return loaded(source)[0].execute(Snippet(code, inputs))


def test_an_error_in_one_cell_does_not_stop_the_next():
    interpreter, reports = loaded("1 / 0", "def broken(:", "def f(): return 7")
    assert [r.error and r.error.type_name for r in reports] == [
        "ZeroDivisionError",
        "SyntaxError",
        None,
    ]
    assert reports[1].error.lines == ("cell c1, line 1: def broken(:",)
    assert interpreter.execute(Call("f")) == Returned(7)


@pytest.mark.parametrize("statement", ["raise SystemExit", "exit()", "raise GeneratorExit"])
def test_leaving_a_cell_early_is_an_error_like_any_other(statement):
    _, reports = loaded(statement, "x = 1")
    assert reports[0].error is not None and reports[1].error is None


def test_the_students_own_lines_are_named_and_nobody_elses():
    source = "import numpy as np\n\ndef f(x):\n    return np.linalg.inv(x)"
    outcome = loaded(source)[0].execute(Call("f", (np.zeros((2, 2)),)))
    assert outcome.mro[0] == "LinAlgError" and "ValueError" in outcome.mro
    assert outcome.lines == ("cell c0, line 4: return np.linalg.inv(x)",)


def test_long_tracebacks_are_cut_in_the_middle():
    outcome = loaded("def f(n):\n    return f(n + 1)")[0].execute(Call("f", (0,)))
    assert outcome.type_name == "RecursionError" and len(outcome.lines) == 7
    assert outcome.lines[2].endswith(" more")


def test_the_judges_lines_have_pythons_own_builtins(monkeypatch):
    monkeypatch.setattr("builtins.sorted", None)
    source = "list = [1, 2]\nround = len = None\ndef f(): return (len, round)"
    code = "result = [list((1,)), len('ab'), round(0.6), sorted('ba'), f()]"
    assert result(source, code) == Returned([[1], 2, 1, ["a", "b"], (None, None)])


def test_an_error_that_borrows_the_name_of_one_of_pythons_says_so():
    outcome = loaded("class ValueError(KeyError): pass\ndef f(): raise ValueError")[0].execute(
        Call("f")
    )
    assert outcome.mro[:2] == ("ValueError (not Python's)", "KeyError")


def test_unknown_names_and_handles_are_answers_not_crashes():
    interpreter, _ = loaded("x = 1")
    assert interpreter.execute(Call("merge")).type_name == "NameError"
    assert interpreter.execute(Get(Handle(9), "x")).type_name == "LookupError"
    assert interpreter.execute(Snippet("y = 1")).type_name == "LookupError"


def test_objects_stay_behind_and_answer_through_their_handle():
    source = (
        "class A:\n    def __init__(self, n): self.n = n\n    def add(self, m): return self.n + m"
    )
    interpreter, _ = loaded(source)
    handle = interpreter.execute(Call("A", (3,))).value
    assert type(handle) is Handle and handle.type_name == "A"
    assert interpreter.execute(Method(handle, "add", (4,))) == Returned(7)
    assert interpreter.execute(Get(handle, "n")) == Returned(3)
    inside = interpreter.execute(Snippet("result = [a.n, a, {'a': a}]", {"a": handle})).value
    assert inside[0] == 3 and type(inside[1]) is Handle and type(inside[2]["a"]) is Handle
    interpreter.reset()
    assert interpreter.execute(Get(handle, "n")).type_name == "LookupError"


def test_neither_side_can_change_what_the_other_holds():
    interpreter, _ = loaded("kept = []\ndef f(x):\n    kept.append(x); x[0] = 9; return kept")
    mine = [1, 2]
    got = interpreter.execute(Call("f", (mine,))).value
    got.append("mine")
    assert mine == [1, 2] and interpreter.execute(Snippet("result = kept")).value == [[9, 2]]


def test_cyclic_answers_become_handles():
    assert type(result("", "result = []; result.append(result)").value) is Handle


@pytest.mark.parametrize(
    "body",
    [
        "def __str__(self): raise SystemExit('no')",
        "def __str__(self): return 5",
        "def __str__(self): raise self",
        "__str__ = None",
    ],
)
def test_an_exception_with_a_hostile_message_is_still_described(body):
    outcome = result(f"class E(ValueError):\n    {body}", "raise E('x')")
    assert outcome.mro[:2] == ("E", "ValueError")
    assert outcome.message == "(its message cannot be read)"


def test_an_exception_with_a_hostile_metaclass_is_still_described():
    source = (
        "class M(type):\n    __mro__ = 5\n    __name__ = 6\n"
        "class T(str): pass\n"
        "class E(KeyError, metaclass=M):\n    def __str__(self): return T('x' * 10_000)"
    )
    outcome = result(source, "raise E")
    assert outcome.mro[:2] == ("E", "KeyError") and len(outcome.message) == 2000
    assert type(outcome.message) is str


def test_memory_addresses_do_not_reach_a_message():
    assert "0x..." in result("", "raise ValueError(object())").message


def test_ctrl_c_reaches_the_judge_but_not_out_of_a_jail():
    with pytest.raises(KeyboardInterrupt):
        loaded("raise KeyboardInterrupt")
    _, reports = loaded("raise KeyboardInterrupt", interruptible=False)
    assert reports[0].error.type_name == "KeyboardInterrupt"


def test_the_cells_see_themselves_as_main_and_the_process_keeps_its_own():
    before = sys.modules["__main__"]
    source = (
        "from __future__ import annotations\nimport typing, inspect\n"
        "class A:\n    x: B\nclass B: pass\n"
        "def f(): return __name__, typing.get_type_hints(A)['x'] is B, inspect.getsource(f)[:7]"
    )
    assert loaded(source)[0].execute(Call("f")) == Returned(("__main__", True, "def f()"))
    assert sys.modules["__main__"] is before
    assert any(name.startswith("<cell c0") for name in linecache.cache)


def test_future_imports_hold_for_later_cells_as_in_a_notebook():
    _, reports = loaded("from __future__ import annotations", "def f(x: Later): return 1")
    assert reports[1].error is None


def test_top_level_await_runs():
    interpreter, reports = loaded("import asyncio\nawait asyncio.sleep(0)\nx = 4")
    assert reports[0].error is None and interpreter.execute(Snippet("result = x")) == Returned(4)


def test_display_and_no_shell():
    _, reports = loaded("display(1, 2)", "get_ipython()")
    assert reports[0].error is None and reports[1].error.type_name == "NameError"


def test_upcasting_computes_in_float64_and_restores_the_default():
    interpreter, _ = loaded(
        "import torch\ndef f(x): return x @ torch.ones(2, 2)\ndef g(x): return x.dtype.name",
        upcast=True,
    )
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        value = interpreter.execute(Call("f", (torch.ones(2, dtype=dtype),))).value
        assert value.dtype == torch.float64
    assert interpreter.execute(Call("g", (np.float32(1),))) == Returned("float64")
    assert interpreter.execute(Call("g", (np.ones(1, np.int32),))) == Returned("int32")
    assert torch.get_default_dtype() == torch.float32


def test_a_default_dtype_set_by_a_cell_stays_in_its_namespace():
    interpreter, _ = loaded("import torch\ntorch.set_default_dtype(torch.float64)")
    assert torch.get_default_dtype() == torch.float32
    value = interpreter.execute(Snippet("result = torch.ones(1)")).value
    assert value.dtype == torch.float64


def test_warnings_are_no_errors():
    assert result("", "import warnings; warnings.warn('x'); result = 1") == Returned(1)


def test_two_cells_with_one_id_keep_their_own_lines():
    interpreter = Interpreter()
    cells = [SourceCell("a", "helper", "def f(): 1/0"), SourceCell("a", "helper", "f()")]
    error = interpreter.load(cells)[1].error
    assert error.lines == ("cell a (2), line 1: f()", "cell a, line 1: def f(): 1/0")


def test_a_raised_outcome_is_data():
    outcome = result("", "raise ValueError('no')")
    assert outcome == Raised(("ValueError", "Exception", "BaseException"), "no")


def test_what_no_terminal_should_get_is_replaced():
    outcome = result(
        "class E(Exception): pass\nE.__name__ = 'E\\x1b[2J'", "raise E('a\\x1b\\ud800\\nb')"
    )
    assert outcome.mro[0] == "E\ufffd[2J" and outcome.message == "a\ufffd\ufffd\nb"


def test_lines_and_cells_are_compiled_once_however_often_they_run(monkeypatch):
    asked = []
    for module in (cells, interpreter_module):
        real = module._compile
        monkeypatch.setattr(
            module, "_compile", lambda *a, real=real, **k: asked.append(a[1]) or real(*a, **k)
        )
    for _ in range(3):
        interpreter, _ = loaded("once = 'test_lines_and_cells'")
        for number in range(3):
            assert interpreter.execute(Snippet("result = n + 4321", {"n": number})).value > 4320
    assert sorted(asked) == ["<cell c0>", "<cell c0>", "<judge>"]  # a cell: parsed, then compiled


def test_the_same_source_shares_no_state_between_namespaces():
    source = "seen = []\ndef f(x, kept=[]):\n    kept.append(x); seen.append(x); return kept, seen"
    for _ in range(2):
        interpreter, _ = loaded(source)
        assert interpreter.execute(Call("f", (1,))).value == ([1], [1])
        assert interpreter.execute(Snippet("result = f(2)")).value == ([1, 2], [1, 2])


def test_the_same_cell_is_compiled_anew_under_other_future_imports():
    source = "def f(x: 1 + 1): ..."
    ask = "result = f.__annotations__['x']"
    for first, expected in [("x = 1", 2), ("from __future__ import annotations", "1 + 1")] * 2:
        assert loaded(first, source)[0].execute(Snippet(ask)).value == expected


def test_the_judges_lines_know_no_future_import_of_a_cell():
    interpreter, _ = loaded("from __future__ import annotations")
    code = "def f(x: 2 + 2): ...\nresult = f.__annotations__['x']"
    assert interpreter.execute(Snippet(code)).value == 4


def test_a_cell_cannot_have_the_judges_lines_compiled_by_its_own_function(monkeypatch):
    monkeypatch.setattr("builtins.compile", compile)  # put back what the cell replaces
    stolen = "import builtins\nbuiltins.compile = lambda *a, **k: real('result = 666', '', 'exec')"
    source = f"real = compile\n{stolen}"
    interpreter, _ = loaded(source, "compile = builtins.compile")
    assert interpreter.execute(Snippet("result = 40 + 2")).value == 42
    assert loaded("x = 7")[0].execute(Snippet("result = x")).value == 7


def test_what_does_not_compile_fails_the_same_way_each_time():
    outcomes = [loaded("def f(:")[1][0].error for _ in range(2)]
    assert outcomes[0] == outcomes[1] and outcomes[0].lines == ("cell c0, line 1: def f(:",)
    interpreter, _ = loaded("x = 1")
    assert [interpreter.execute(Snippet("result =")).type_name for _ in range(2)] == [
        "SyntaxError"
    ] * 2
