"""Attacks that patch what a judge in the same process would compare, run or write with."""

from ..harness import Attack


def patches(what: str, code: str, **more: object) -> Attack:
    return Attack(family="patching", name=what, code=code, **{"place": "helper", **more})  # type: ignore[arg-type]


ATTACKS = [
    patches(
        "makes abs, len, isinstance and float say yes",
        """\
import builtins
builtins.abs = lambda x: 0
builtins.all = builtins.any = builtins.bool = lambda *a: True
builtins.isinstance = lambda *a: True
builtins.max = builtins.sum = lambda *a, **k: 0
""",
        place="call",
    ),
    patches(
        "makes numpy's comparisons say yes",
        """\
import numpy, numpy.testing
for name in ('allclose', 'array_equal', 'isclose', 'equal', 'isnan', 'all'):
    setattr(numpy, name, lambda *a, **k: True)
for name in ('assert_allclose', 'assert_array_equal', 'assert_equal'):
    setattr(numpy.testing, name, lambda *a, **k: None)
""",
    ),
    patches(
        "makes torch's comparisons say yes",
        """\
import torch
torch.allclose = torch.equal = lambda *a, **k: True
torch.isclose = lambda a, b, **k: torch.ones_like(a, dtype=torch.bool)
torch.testing.assert_close = lambda *a, **k: None
torch.Tensor.__eq__ = lambda a, b: True
torch.Tensor.__ne__ = lambda a, b: False
""",
        exercise="soften",
    ),
    patches(
        "turns hypothesis off",
        """\
import hypothesis
from hypothesis import core, settings, strategies
hypothesis.given = core.given = lambda *a, **k: lambda f: (lambda *a, **k: None)
strategies.lists = strategies.integers = lambda *a, **k: strategies.just(None)
settings.register_profile('lazy', max_examples=1)
settings.load_profile('lazy')
""",
    ),
    patches(
        "makes pytest report every case as passed",
        """\
import _pytest.runner, pytest
pytest.main = lambda *a, **k: 0
_pytest.runner.TestReport.from_item_and_call = None
_pytest.runner.runtestprotocol = lambda *a, **k: []
""",
    ),
    patches(
        "replaces the judge's own comparison",
        """\
import autograder.judge.api as api, autograder.judge.compare as compare
compare.first_difference = compare._difference = lambda *a: None
compare.close = lambda *a: True
api.agree = api.expect = api.require = api._compare = lambda *a, **k: None
""",
    ),
    patches(
        "replaces the judge's scoring and verdict",
        """\
import autograder.judge.scoring as scoring, autograder.judge.verdict as verdict
scoring._points = lambda runs: 3.0
scoring._status = lambda *a: 'passed'
verdict.ExerciseVerdict.model_validate = classmethod(lambda c, v: v)
""",
    ),
    patches(
        "replaces the reference's interpreter and the rehearsal",
        """\
import autograder.judge.rehearsal as rehearsal, autograder.sandbox.interpreter as interpreter
rehearsal.Stage.replay = lambda *a: True
interpreter.Interpreter._bring = lambda self, value: value
""",
    ),
    patches(
        "makes the wire encode every answer as true",
        """\
import autograder.sandbox.wire as wire
from autograder.sandbox.ops import Returned
_encode = wire.encode
wire.encode = lambda value, **k: _encode(Returned(True) if type(value) is Returned else value, **k)
""",
    ),
    patches(
        "lets its own class cross the wire as an array",
        """\
import autograder.sandbox.wire as wire
class Yes:
    def __eq__(self, other): return True
wire._PLAIN = frozenset({*wire._PLAIN, Yes})
import msgpack
_pack = msgpack.packb
msgpack.packb = lambda value, **k: _pack(value, default=lambda thing: True, **k)
""",
        instead="def scale(values, target):\n    return Yes()\n",
    ),
    patches(
        "teaches the wire a record of its own",
        """\
import autograder.sandbox.wire as wire
class Verdict:
    points = 3.0
wire.TAGS[Verdict] = 99
wire.FIELDS[Verdict] = ('points',)
wire.RECORDS[99] = (Verdict, (lambda value: True,))
""",
        instead="def scale(values, target):\n    return Verdict()\n",
        status="error",
        says="sent something that is no answer",
    ),
    patches(
        "answers in the interpreter's place",
        """\
from autograder.sandbox import wire
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.ops import Returned
Interpreter.execute_encoded = lambda self, op: wire.encode(Returned('passed'))
""",
    ),
    patches(
        "answers a load that it was not asked for in the interpreter's place",
        """\
from autograder.sandbox.interpreter import Interpreter
Interpreter.load = lambda self, cells: ()
""",
        status="error",
        says="sent something that is no answer",
    ),
    patches(
        "changes every answer on its way out",
        """\
import socket
from autograder.sandbox import frames, worker
_send = frames.send
frames.send = lambda connection, body: _send(connection, body.replace(b'float32', b'float64'))
""",
        status="error",
    ),
    patches(
        "defines a get_ipython and a display of its own",
        """\
class Shell:
    def __getattr__(self, name): return lambda *a, **k: 3.0
def get_ipython(): return Shell()
def display(*a, **k): print('3.0')
import sys
sys.displayhook = lambda value: print('3.0')
""",
    ),
    patches(
        "registers an input transformer that drops asserts",
        """\
from IPython.core import inputtransformer2 as transformers
transformers.TransformerManager.transform_cell = lambda self, cell: 'scale = lambda *a: True'
import ast, builtins
ast.NodeTransformer.visit = lambda self, node: ast.Pass()
""",
        status="error",
    ),
    patches(
        "puts its own compile and exec in place",
        """\
import builtins
_compile = builtins.compile
builtins.compile = lambda source, *a, **k: _compile('scale = lambda *a: True', *a, **k)
builtins.exec = builtins.eval = lambda *a, **k: True
builtins.__import__ = lambda *a, **k: None
""",
        status="error",
    ),
    patches(
        "puts fake modules in place of transformers, numpy and the judge",
        """\
import sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *a, **k: True
for name in ('transformers', 'peft', 'tinker', 'numpy', 'autograder.judge', 'autograder.lab'):
    sys.modules[name] = Fake(name)
""",
        status="error",
    ),
    patches(
        "adds a finder that gives its own judge to whoever imports one",
        """\
import importlib.abc, importlib.machinery, sys
class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if 'judge' in name: return importlib.machinery.ModuleSpec(name, self)
    def exec_module(self, module): module.agree = lambda *a, **k: None
sys.meta_path.insert(0, Finder())
sys.path_hooks.insert(0, lambda path: Finder())
""",
    ),
    patches(
        "leaves hooks for the end: atexit, excepthook, a finaliser",
        """\
import atexit, sys, threading
def mark(*a): open('/tmp/' + MARK, 'w')
atexit.register(mark)
sys.excepthook = threading.excepthook = sys.unraisablehook = mark
class Last:
    __del__ = mark
LAST = Last()
""",
    ),
    patches(
        "turns every warning and rounding into an error",
        """\
import decimal, warnings, numpy, torch
warnings.simplefilter('error')
numpy.seterr(all='raise')
torch.set_default_dtype(torch.float64)
decimal.getcontext().prec = 1
""",
    ),
    patches(
        "pins every source of randomness",
        """\
import os, random, numpy
random.random = numpy.random.rand = lambda *a: 0.5
random.Random.randint = random.Random.getrandbits = lambda *a: 1
os.urandom = lambda n: bytes(n)
""",
    ),
    patches(
        "raises its own limits where they are written down",
        """\
import sys
from autograder import lab
from autograder.sandbox import limits
lab.Limits.model_fields['cpu_seconds'].default = 10**6
for name, value in dict(cpu_seconds=1e6, wall_seconds=1e6, memory_mb=10**6).items():
    setattr(limits.Limits, name, value)
for module in list(sys.modules.values()):
    if hasattr(module, 'Jail'): module.Jail._check_budget = lambda self: None
""",
        instead="def scale(values, target):\n    while True: pass\n",
        status="timeout",
    ),
    patches(
        "shrinks the stack to nothing when it is called",
        """\
import sys
def shrink():
    for limit in range(5, 500):
        try: return sys.setrecursionlimit(limit)
        except RecursionError: pass
""",
        instead="def scale(values, target):\n    shrink()\n    return values\n",
        status="error",
    ),
]
