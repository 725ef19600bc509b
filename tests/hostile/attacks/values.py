"""Attacks by what is returned or raised: things that lie about what they are or equal."""

from ..harness import Attack

LYING = """\
class Yes:
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = __contains__ = lambda *a: True
    __ne__ = lambda *a: False
    __hash__ = lambda self: 0
    __bool__ = lambda self: True
"""


def returns(what: str, value: str, setup: str = "", **more: object) -> Attack:
    head = {"scale": "scale(values, target)", "soften": "soften(scores)"}
    name = more.get("exercise", "scale")
    cell = f"{setup}\ndef {head[str(name)]}:\n    return {value}\n"
    return Attack(family="values", name=f"returns {what}", instead=cell, **more)  # type: ignore[arg-type]


def raises(what: str, code: str, says: str = "") -> Attack:
    cell = f"def scale(values, target):\n    {code.replace(chr(10), chr(10) + '    ')}\n"
    return Attack(family="values", name=f"raises {what}", instead=cell, status="error", says=says)


RETURNED = [
    returns("an object that equals everything", "Yes()", LYING),
    returns(
        "a float that equals everything",
        "Float(1)",
        f"{LYING}class Float(Yes, float):\n    __hash__ = float.__hash__\n",
    ),
    returns(
        "an int, a str, a list and a dict that equal everything",
        "[I(1), S('x'), L([1]), D(a=1)][len(values) % 4]",
        f"{LYING}class I(Yes, int): pass\nclass S(Yes, str): pass\n"
        "class L(Yes, list): pass\nclass D(Yes, dict): pass\n",
    ),
    returns(
        "an ndarray subclass whose comparisons say yes",
        "values.view(Array)",
        "class Array(np.ndarray):\n"
        "    def __array_ufunc__(self, *a, **k): return np.bool_(True)\n"
        "    def __array_function__(self, *a, **k): return True\n"
        "    shape = property(lambda self: (99,))\n",
    ),
    returns(
        "a tensor subclass with __torch_function__",
        "scores.as_subclass(Lie)",
        "class Lie(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None): return True\n",
        exercise="soften",
    ),
    returns(
        "an object that becomes an array when looked at",
        "Chameleon(values)",
        "class Chameleon:\n    def __init__(self, values): self.values = values\n"
        "    def __array__(self, *a, **k): return self.values\n"
        "    __float__ = __index__ = __int__ = lambda self: 1\n"
        "    __iter__ = lambda self: iter(self.values)\n"
        "    dtype = 'float32'; shape = (1,); ndim = 1\n",
    ),
    returns(
        "an object that says its class is ndarray",
        "Mask()",
        "class Meta(type):\n    def __instancecheck__(cls, other): return True\n"
        "    def __subclasscheck__(cls, other): return True\n"
        "class Mask(metaclass=Meta):\n    __class__ = property(lambda self: np.ndarray)\n",
    ),
    returns(
        "an object that runs code when it is unpickled or copied",
        "Bomb()",
        "class Bomb:\n    def __reduce__(self): return (open, ('/tmp/' + MARK, 'w'))\n"
        "    __reduce_ex__ = lambda self, protocol: self.__reduce__()\n"
        "    __deepcopy__ = __copy__ = lambda self, memo=None: open('/tmp/' + MARK, 'w')\n",
    ),
    returns(
        "a view of a few bytes as ten billion numbers",
        "np.broadcast_to(values[:1], 10**10)",
        status="error",
        says="used more memory",
    ),
    returns(
        "a tensor whose storage is gone",
        "gone(scores)",
        "def gone(t):\n    t = t.clone(); t.untyped_storage().resize_(0); return t\n",
        exercise="soften",
    ),
    returns("tensors without memory: sparse and meta", "scores.to('meta')", exercise="soften"),
    returns(
        "an array of objects that equal everything",
        "np.array([Yes()] * len(values), dtype=object)",
        LYING,
    ),
    returns("an array of records", "np.zeros(len(values), dtype=[('a', 'f4')])"),
    returns(
        "dates, texts and masked values for numbers",
        "[values.astype(int).astype('M8[s]'), values.astype(str), np.ma.masked_all(2)]"
        "[len(values) % 3]",
    ),
    returns("NaN in every place", "np.full_like(values, np.nan)"),
    returns(
        "infinity or minus zero in every place", "values * [np.float32(np.inf), -0.0][target % 2]"
    ),
    returns("complex numbers or bools", "[values * 1j, values == values][target % 2]"),
    returns("an integer of thousands of digits", "10 ** [4_000, 10_000][target % 2]"),
    returns("a list that holds itself", "LOOP", "LOOP = []\nLOOP.append(LOOP)\n"),
    returns(
        "lists nested a hundred thousand deep",
        "DEEP",
        "DEEP = []\nfor _ in range(100_000): DEEP = [DEEP]\n",
    ),
    returns("dicts whose keys all collide", "{n * (2**61 - 1): n for n in range(700)}"),
    returns("a million empty lists", "BIG", "BIG = [[]] * 999_000\n", status="timeout"),
    returns("an array of ten megabytes", "BIG", "BIG = np.zeros(2_500_000, np.float32)\n"),
    returns(
        "a generator, a lambda, a module and a memory view",
        "[iter(values), lambda: values, np, memoryview(values)][len(values) % 4]",
    ),
    returns(
        "a handle it was never given",
        "Handle(10**9, 'ndarray')",
        "from autograder.sandbox.ops import Handle\n",
    ),
    returns(
        "the judge's own records as data",
        "[Returned(values), Raised(('ValueError',), ''), CellReport('scale')][len(values) % 3]",
        "from autograder.sandbox.ops import CellReport, Raised, Returned\n",
    ),
    returns("text that looks like a passed exercise", "'✓ scale: passed (3 of 3 points)\\n' * 9"),
    Attack(
        family="values",
        name="returns an object whose attributes change with each question",
        exercise="counter",
        instead="""\
class Counter:
    def __init__(self, start): self.asked = 0
    def __getattribute__(self, name):
        asked = object.__getattribute__(self, '__dict__')
        asked['asked'] = asked.get('asked', 0) + 1
        return (lambda n: asked['asked']) if name == 'add' else asked['asked']
""",
    ),
    Attack(
        family="values",
        name="returns a counter whose method returns objects",
        exercise="counter",
        instead=f"{LYING}class Counter(Yes):\n    def __init__(self, start): self.total = Yes()\n"
        "    def add(self, n): return Yes()\n",
    ),
]

RAISED = [
    raises(
        "an error whose message is the report of a pass",
        "raise ValueError('\\n✓ scale: passed (3 of 3 points)\\n<script>alert(1)</script>')",
    ),
    raises(
        "an error with terminal sequences and a right-to-left mark",
        "raise ValueError('\\x1b[2J\\x1b]0;owned\\x07\\u202epassed')",
    ),
    raises("an error with a message of ten megabytes", "raise ValueError('x' * 10**7)"),
    raises(
        "an error that cannot be printed",
        "class Silent(Exception):\n    def __str__(self): raise SystemExit\nraise Silent",
        says="its message cannot be read",
    ),
    raises(
        "an error that hides its classes",
        "class Meta(type):\n    __mro__ = property(lambda cls: 1 / 0)\n"
        "    __name__ = property(lambda cls: 1 / 0)\n"
        "class Odd(Exception, metaclass=Meta): pass\nraise Odd",
    ),
    raises(
        "an error under the name of one of Python's",
        "class ValueError(BaseException): pass\nraise ValueError('mine')",
        says="not Python's",
    ),
    raises(
        "hypothesis' own ways to reject an input and to end a run",
        "from hypothesis import errors\n"
        "raise [errors.UnsatisfiedAssumption(), errors.StopTest(0)][target % 2]",
    ),
    raises(
        "pytest's skip and exit",
        "from pytest import exit, skip\n"
        "raise [skip.Exception('not today'), exit.Exception('enough', 0)][target % 2]",
    ),
    raises(
        "SystemExit, GeneratorExit and KeyboardInterrupt",
        "raise [SystemExit(0), GeneratorExit(), KeyboardInterrupt()][len(values) % 3]",
    ),
    raises(
        "the judge's own mismatch and stop",
        "from autograder.judge.subject import Stopped\nraise Stopped('not attempted')",
    ),
    raises(
        "a group of a thousand errors",
        "raise BaseExceptionGroup('x', [ValueError(n) for n in range(1000)])",
    ),
]

ATTACKS = [*RETURNED, *RAISED]
