"""Attacks that answer by when, how often or by whom they are asked."""

from ..harness import Attack

RIGHT = (
    "def scale(values, target):\n    return (values / values.mean() * target).astype('float32')\n"
)
STATE = "import time\nstate = globals().setdefault('STATE', {})\n"


def answers(what: str, code: str, **more: object) -> Attack:
    return Attack(family="timing", name=what, code=STATE + code, **more)  # type: ignore[arg-type]


DETERMINISTIC = [
    answers(
        "is right only on the first call",
        "state['n'] = state.get('n', 0) + 1\nif state['n'] > 1: return given[0]",
        answer=RIGHT,
    ),
    answers(
        "is wrong only on the first call",
        "state['n'] = state.get('n', 0) + 1\nif state['n'] == 1: return given[0]",
        answer=RIGHT,
        says="different answers for the same input",
    ),
    answers(
        "is right only from the tenth call on",
        "state['n'] = state.get('n', 0) + 1\nif state['n'] < 10: return given[0]",
        answer=RIGHT,
    ),
    answers(
        "is wrong when an input comes a second time",
        "key = repr(given)\nstate[key] = state.get(key, 0) + 1\n"
        "if state[key] != 2: return given[0] * 0",
        answer=RIGHT,
    ),
    answers(
        "gives back the answer to the call before",
        "before = state.get('last', given[0])\nstate['last'] = _answer(*given)\nreturn before",
        answer=RIGHT,
    ),
    answers(
        "hands out one array and changes it later",
        "out = state.setdefault('out', np.zeros(5, np.float32))\nout += 1\n"
        "return out[:len(given[0])]",
    ),
    answers(
        "is wrong where no notebook is around it",
        "try:\n    get_ipython\nexcept NameError:\n    return given[0]",
        answer=RIGHT,
    ),
    answers(
        "draws its answers",
        "import random\nif random.random() < 0.9: return given[0] * random.random()",
        answer=RIGHT,
    ),
    answers(
        "draws from numpy and torch after seeding them itself",
        "import torch\ntorch.manual_seed(7); np.random.seed(7)\n"
        "return (given[0] * torch.rand(1).item() * np.random.rand()).astype('float32')",
    ),
    answers(
        "turns its clocks back and never ends",
        "time.time = time.monotonic = time.process_time = lambda: 0.0\nwhile True: pass",
        status="timeout",
    ),
    answers(
        "is right on the small inputs that a shrinker looks at",
        "if len(given[0]) > 1: return given[0]",
        answer=RIGHT,
    ),
]

ATTACKS = [
    *DETERMINISTIC,
    answers(
        "answers by the clock",
        "return given[0] * np.float32(time.time() % 1 + 100)",
    ),
    answers(
        "draws from the system's randomness",
        "import os\nif os.urandom(1)[0] > 25: return given[0] * np.float32(100)",
        answer=RIGHT,
    ),
    answers(
        "changes its answer from a thread while it is read",
        "import threading\nout = given[0] * 0 + 1000\n"
        "def spoil():\n    for _ in range(2000): out[:] = out + 1\n"
        "threading.Thread(target=spoil).start()\nreturn out",
    ),
    answers(
        "changes the length of its answer from a thread",
        "import threading\nout = [1.0] * 5\n"
        "def spoil():\n    for n in range(2000): out.append(1.0); out.clear()\n"
        "threading.Thread(target=spoil).start()\nreturn [out, 'x']",
    ),
    answers(
        "leaves its answers for whoever comes next",
        "places = ('/scratch/', '/tmp/', '/dev/shm/', '/var/tmp/')\n"
        "if 'tried' not in state:\n"
        "    state['tried'] = True\n"
        "    attempt(*(lambda p=p: open(p + MARK).read() for p in places))\n"
        "    for place in places:\n"
        "        try: open(place + MARK, 'w').write('an answer')\n"
        "        except OSError: pass",
    ),
    answers(
        "sleeps through its time",
        "time.sleep(60)",
        status="timeout",
        waits=True,
    ),
    answers(
        "takes a little more time with each call",
        "state['n'] = state.get('n', 0) + 1\n"
        "end = time.process_time() + 0.03 * state['n']\n"
        "while time.process_time() < end: pass",
        answer=RIGHT,
        status="timeout",
    ),
]
