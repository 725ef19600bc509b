"""Attacks on the channel to the judge: a jail's descriptor 3, written to behind its worker's back.

`TOKEN()` is what the judge wants to see on the answer to the running question: an enemy reads it
from the worker's own frame.
"""

from ..harness import Attack

FORGE = '''\
import os, socket, struct, sys
from autograder.sandbox import frames, ops, wire, worker
CHANNEL = 3
def TOKEN():
    frame = sys._getframe()
    while frame.f_code.co_name != '_serve':
        frame = frame.f_back
    return frame.f_locals['frame'][:8]
def send(body): os.write(CHANNEL, frames.pack(body))
def forged(structure, rest=b''):
    return TOKEN() + len(structure).to_bytes(4, 'little') + structure + rest
def always(answer):
    """Send `answer()` in the place of every later answer of the worker."""
    real = frames.pack
    worker.frames.send = lambda connection, body: connection.sendall(real(answer(body)))
'''
NO_ANSWER = "sent something that is no answer"


def sends(what: str, code: str, **more: object) -> Attack:
    given = {"status": "error", "says": NO_ANSWER, **more}
    return Attack(family="protocol", name=what, code=FORGE + code, **given)  # type: ignore[arg-type]


def structure(what: str, code: str) -> Attack:
    return sends(what, f"import msgpack\nsend(forged({code}))")


ATTACKS = [
    sends("writes noise", "os.write(CHANNEL, b'\\xff' * 1000)"),
    sends("writes empty frames", "os.write(CHANNEL, bytes(4000))"),
    sends(
        "writes a frame that ends inside its answer", "os.write(CHANNEL, b'\\x14\\0\\0\\0' + b'x')"
    ),
    sends(
        "announces more than ever comes",
        "os.write(CHANNEL, (70 << 20).to_bytes(4, 'little'))",
        status="timeout",
        says="took too long",
        waits=True,
    ),
    sends(
        "sends its answer a byte at a time",
        "import time\nos.write(CHANNEL, (1 << 20).to_bytes(4, 'little'))\n"
        "while True:\n    os.write(CHANNEL, b'x'); time.sleep(0.05)",
        status="timeout",
        says="took too long",
        waits=True,
    ),
    sends("announces four gigabytes", "os.write(CHANNEL, b'\\xff\\xff\\xff\\xff')"),
    sends(
        "answers twice",
        "good = frames.pack(TOKEN() + wire.encode(ops.Returned(given[0])))\n"
        "os.write(CHANNEL, good + good)",
    ),
    sends(
        "answers questions that were not asked yet",
        "os.write(CHANNEL, b''.join(frames.pack(os.urandom(8) + wire.encode(ops.Returned(n)))"
        " for n in range(100)))",
    ),
    sends(
        "answers with the token of an older question",
        "OLD = globals().setdefault('OLD', TOKEN())\n"
        "if OLD != TOKEN(): always(lambda body: OLD + body[8:])",
    ),
    sends("sends no token", "always(lambda body: body[8:])\n"),
    sends("sends an answer without its last bytes", "always(lambda body: body[:-1])"),
    sends(
        "claims a longer structure than there is",
        "always(lambda body: body[:8] + b'\\xff\\xff\\0\\0' + body[12:])",
    ),
    structure("sends msgpack nested a hundred thousand deep", "b'\\x91' * 100_000 + b'\\xc0'"),
    structure("sends a list that claims four billion items", "b'\\xdd\\xff\\xff\\xff\\xff'"),
    structure("sends a msgpack extension", "msgpack.packb(msgpack.ExtType(5, b'x' * 16))"),
    structure("sends an unknown tag", "msgpack.packb([77, 1])"),
    structure(
        "sends a handle with a label of many lines", "msgpack.packb([15, [10, 1, 'x\\n' * 50]])"
    ),
    structure(
        "sends an array that claims what it does not hold",
        "msgpack.packb([15, [4, 'float32', 1 << 39]])",
    ),
    structure("sends a dict with a list for a key", "msgpack.packb([15, [2, [0, 1], 1]])"),
    structure("sends an operation as the answer", "msgpack.packb([14, 'result = 1', [2]])"),
    structure("sends a report where a value was asked", "msgpack.packb([18, 'scale', None, [1]])"),
    sends(
        "sends an error of a million lines",
        "lines = ('\\x1b[2J' * 50,) * 9_000\n"
        "error = wire.encode(ops.Raised(('Passed',) * 9_000, 'x' * 100_000, lines))\n"
        "always(lambda body: body[:8] + error)",
        says="Passed: xxx",
    ),
    sends(
        "reports a cell that is not its own",
        "if 'tried' not in globals():\n    tried = True\n"
        "    report = wire.encode((ops.CellReport('soften', None, ('n' * 500,) * 900),))\n"
        "    send(TOKEN() + report)",
        place="cell",
    ),
    sends(
        "closes the channel",
        "os.close(CHANNEL)",
        says="ended its own process",
    ),
    sends(
        "hangs up on one side of the channel",
        "socket.socket(fileno=os.dup(CHANNEL)).shutdown(socket.SHUT_WR)",
        says="ended its own process",
    ),
    sends(
        "sends its open files along",
        "socket.send_fds(socket.socket(fileno=os.dup(CHANNEL)), [b'\\xff' * 64], [0, 1, 2] * 20)",
    ),
    sends(
        "reads the judge's next question before it is asked",
        "end = socket.socket(fileno=os.dup(CHANNEL))\n"
        "attempt(lambda: end.recv(1, socket.MSG_DONTWAIT), lambda: end.recv(1, socket.MSG_OOB))",
        status="failed",
        says="",
    ),
    sends(
        "looks for another end of a channel among its descriptors",
        "import stat\n"
        "attempt(lambda: [n for n in range(4, 256) if os.path.exists(f'/proc/self/fd/{n}')],\n"
        "        lambda: [n for n in (*range(3), *range(4, 256)) if holds(n)])",
        status="failed",
        says="",
        answer="import os, stat\ndef holds(n):\n"
        "    try: return stat.S_ISSOCK(os.fstat(n).st_mode)\n    except OSError: return False\n"
        "def scale(values, target):\n    return values\n",
    ),
]
