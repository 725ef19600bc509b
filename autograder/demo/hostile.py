"""A notebook that tries to award itself points. Used by the demo; `SECURITY` tests have many more.

It looks for the solutions and other students' work, patches what a judge might compare with, forks,
opens sockets, and answers every call with an object that claims to equal everything.
"""

from __future__ import annotations

from collections.abc import Iterable

PREAMBLE = '''
import builtins, gc, os, socket, subprocess, sys

class Yes(float):
    """Says yes to every comparison."""
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __hash__ = float.__hash__
    def __getattr__(self, name): return Yes()
    def __call__(self, *args, **kwargs): return Yes()

def attempt(action):
    try:
        return action()
    except BaseException as refusal:
        return repr(refusal)

def find_solutions():
    for folder, _, files in os.walk("/"):
        for file in files:
            if file in ("judge.py", "gradebook.db"):
                return open(os.path.join(folder, file), "rb").read()

def patch_everything():
    import numpy, torch
    for module, names in ((torch, ("allclose", "equal")), (numpy, ("allclose", "array_equal"))):
        for name in names:
            setattr(module, name, lambda *a, **k: True)
    builtins.abs = lambda x: 0

LOOT = [attempt(action) for action in (
    find_solutions,
    patch_everything,
    os.fork,
    lambda: subprocess.run(["sh", "-c", "touch /tmp/owned"]),
    lambda: socket.create_connection(("127.0.0.1", 80), 1),
    lambda: os.kill(os.getppid(), 9),
    lambda: [o for o in gc.get_objects() if "reference" in repr(type(o))],
    lambda: [setattr(m, "PASSED", True) for m in list(sys.modules.values())],
)]
'''


def hostile_cell(names: Iterable[str], *, first: bool) -> str:
    """A solution cell that defines `names`, each as a thing that claims to be right."""
    answers = "\n".join(f"{name} = Yes()" for name in names)
    return (PREAMBLE if first else "") + answers + "\n"
