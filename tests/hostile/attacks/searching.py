"""Attacks that search their own process for the reference, the hidden cases or inputs to come."""

from ..harness import Attack

ONCE = "if 'tried' in globals(): return _answer(*given)\nglobals()['tried'] = True\n"
"""A search of everything costs too much for every call."""


def searches(what: str, code: str) -> Attack:
    return Attack(family="searching", name=what, code=ONCE + code)


ATTACKS = [
    searches(
        "walks the frames up to the judge",
        """\
import sys
def found():
    frame, names = sys._getframe(), []
    while frame is not None:
        names += [*frame.f_locals, frame.f_code.co_filename.rpartition('/')[2]]
        frame = frame.f_back
    return {'reference', 'expected', 'rehearsal', 'judge.py', 'checks.py'} & set(names)
attempt(found)
""",
    ),
    searches(
        "looks for the right answer in its callers' variables",
        """\
import sys
right = given[0] / given[0].mean() * given[1]
def found():
    frame, hits = sys._getframe(2), []
    while frame is not None:
        for value in {**frame.f_globals, **frame.f_locals}.values():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, np.ndarray) and item.shape == right.shape:
                    hits += [frame.f_code.co_name] * (item is not given[0])
        frame = frame.f_back
    return set(hits) - {'scale', '_run', '_attempt', '_bring', '<genexpr>'}
attempt(found)
""",
    ),
    searches(
        "searches every living function for the reference's",
        """\
import gc, types
gc.disable(); gc.unfreeze()
def found():
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and thing.__name__ in ('scale', 'soften'):
            if not thing.__code__.co_filename.startswith('<cell scale') and (
                thing.__module__ in (None, '__main__')
            ) and thing.__code__.co_filename != '<cell soften>':
                return thing
attempt(found)
""",
    ),
    searches(
        "searches every living object for the judge's session",
        """\
import gc
gc.disable(); gc.unfreeze()
def found():
    wanted = {'JudgeSession', 'Bench', 'Prompter', 'Stage', 'Example', 'CaseRun', 'Mistake'}
    return [o for o in gc.get_objects() if type(o).__name__ in wanted]
attempt(found)
""",
    ),
    searches(
        "looks for a hidden file among the modules",
        """\
import sys
def found():
    files = [str(getattr(m, '__file__', '')) for m in list(sys.modules.values())]
    return [f for f in files if f.endswith(('/judge.py', '/checks.py')) or '/mistakes/' in f]
attempt(found, lambda: [p for p in sys.path + list(sys.path_importer_cache) if 'solutions' in p])
""",
    ),
    searches(
        "imports the reference and the judge",
        """\
import importlib, importlib.util
def load():
    spec = importlib.util.spec_from_file_location('judge', JUDGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
attempt(load, lambda: importlib.import_module('solutions'),
        lambda: importlib.import_module('judge'),
        lambda: importlib.import_module('autograder.grading'))
""",
    ),
    searches(
        "reads its callers' source with inspect",
        """\
import inspect, sys
def found():
    frame = sys._getframe()
    while frame is not None:
        try:
            text = inspect.getsource(frame)
        except (OSError, TypeError):
            text = ''
        if 'agree' + '(' in text:
            return text
        frame = frame.f_back
attempt(found)
""",
    ),
    searches(
        "reads cached source lines for a hidden case",
        """\
import linecache
attempt(lambda: [n for n, e in linecache.cache.items() if 'judge.py' in n or 'CANARY' in str(e[2:])
                 and not n.startswith('<cell')])
""",
    ),
    searches(
        "follows a traceback into the judge",
        """\
def found():
    try:
        raise ValueError
    except ValueError as error:
        frame, names = error.__traceback__.tb_frame, []
        while frame is not None:
            names.append(frame.f_code.co_filename)
            frame = frame.f_back
    return [name for name in names if name.endswith('judge.py')]
attempt(found)
""",
    ),
    searches(
        "traces every call that is made after it",
        """\
import sys, threading
seen = globals().setdefault('SEEN', [])
def watch(frame, event, argument):
    if frame.f_code.co_filename.endswith(('judge.py', 'compare.py')):
        print('GAINED', frame.f_code)
sys.setprofile(watch); threading.setprofile(watch)
""",
    ),
    searches(
        "asks hypothesis for the inputs to come",
        """\
from hypothesis import control, core
attempt(lambda: control._current_build_context.value, lambda: control.currently_in_test_context(),
        lambda: core.global_force_seed)
""",
    ),
    searches(
        "asks pytest for the running case",
        """\
import os
from autograder.judge import api, fixtures
attempt(lambda: os.environ.get('PYTEST_CURRENT_TEST'), lambda: api.RULES_SEEN.get(None),
        lambda: fixtures.student.__wrapped__(None), lambda: api.agree.__wrapped__)
""",
    ),
    searches(
        "reads freed memory for what a message left there",
        """\
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
needle = 'eno_fo_elacs'[::-1].encode()
def found():
    blocks = [libc.malloc(size) for size in (200, 1000, 5000, 20000, 100000) for _ in range(20)]
    sizes = [size for size in (200, 1000, 5000, 20000, 100000) for _ in range(20)]
    return any(needle in ctypes.string_at(b, n) for b, n in zip(blocks, sizes))
attempt(found)
""",
    ),
    searches(
        "searches the globals behind display and attempt",
        """\
import gc
def found():
    names = set(display.__globals__)
    for thing in gc.get_referents(display.__globals__):
        if isinstance(thing, dict):
            names |= {str(key) for key in thing}
    return {'reference', 'expected', 'REFERENCE', 'rehearsal'} & names
attempt(found)
""",
    ),
    Attack(
        family="searching",
        name="shows in an error the lines that run beside it",
        exercise="counter",
        instead="""\
import sys
class Counter:
    def __init__(self, start):
        frame, told = sys._getframe(), []
        while frame is not None:
            told += [str(v)[:60] for k, v in frame.f_locals.items() if k in ('op', 'argument')]
            frame = frame.f_back
        raise ValueError('; '.join(told))
""",
        status="error",
        says="Call(target='Counter'",
    ),
]
