"""Attacks that change what others see: grades, other submissions, the release, installed code."""

from functools import partial

from ..harness import trick

_writes = partial(trick, "writes")

ATTACKS = [
    _writes(
        "gives itself full marks in the gradebook",
        "import sqlite3\n"
        "def mark():\n"
        "    with sqlite3.connect(GRADEBOOK) as book:\n"
        '        return book.execute("update grade set score = 100").rowcount\n'
        "attempt(mark)",
        outside=True,
    ),
    _writes(
        "replaces and empties the gradebook",
        "import os, shutil\n"
        "attempt(lambda: open(GRADEBOOK, 'r+b').write(b'x'), lambda: [os.truncate(GRADEBOOK, 0)],\n"
        "        lambda: shutil.copy(GRADEBOOK, GRADEBOOK + '.new'))",
        outside=True,
    ),
    _writes(
        "adds a line to the ledger",
        "attempt(lambda: open(COURSE + '/ledger.jsonl', 'a').write('{}'))",
        outside=True,
    ),
    _writes(
        "writes over another student's notebook",
        "attempt(lambda: open(OTHER, 'w').write('{}'),"
        " lambda: open(OTHER.replace('ana', 'bo'), 'w').write('{}'))",
        outside=True,
    ),
    _writes(
        "leaves a verdict and feedback of its own",
        "import os\n"
        "def leave(where):\n"
        "    os.makedirs(f'{COURSE}/{where}', exist_ok=True)\n"
        "    return open(f'{COURSE}/{where}/x.json', 'w').write('{}')\n"
        "attempt(*(lambda w=w: leave(w) for w in ('verdicts', 'feedback', 'autograded/me')))",
        outside=True,
    ),
    _writes(
        "changes the release and the hidden cases",
        "release = COURSE + '/release/lab94_target/lab94_target.ipynb'\n"
        "attempt(*(lambda p=p: open(p, 'a').write(' ') for p in (JUDGE, release)))",
        outside=True,
    ),
    _writes(
        "plants a conftest.py and a sitecustomize.py beside the judge",
        "attempt(*(lambda n=n: open(JUDGE.replace('judge.py', n), 'w').write('x = 1')"
        " for n in ('conftest.py', 'sitecustomize.py', 'pytest.ini')))",
        outside=True,
    ),
    _writes(
        "renames, links, removes and re-times files of the course",
        "import os\n"
        "attempt(*(lambda f=f: [f()] for f in (\n"
        "    lambda: os.rename(OTHER, OTHER + '.old'), lambda: os.unlink(OTHER),\n"
        "    lambda: os.link(OTHER, OTHER + '.link'), lambda: os.symlink('/', OTHER + '.s'),\n"
        "    lambda: os.mkdir(COURSE + '/d'), lambda: os.rmdir(COURSE + '/feedback'),\n"
        "    lambda: os.utime(OTHER, (0, 0)), lambda: os.mkfifo(COURSE + '/fifo'))))",
    ),
    _writes(
        "changes modes, owners and attributes of files of the course",
        "import os\n"
        "attempt(*(lambda f=f: [f()] for f in (\n"
        "    lambda: os.chmod(OTHER, 0), lambda: os.chmod(COURSE, 0),\n"
        "    lambda: os.chown(OTHER, os.getuid(), os.getgid()),\n"
        "    lambda: os.setxattr(OTHER, 'user.x', b'1'), lambda: os.mknod(COURSE + '/n'))))",
    ),
    _writes(
        "adds lines to numpy, to the standard library and to shared",
        "import os, shared, json\n"
        "attempt(*(lambda p=p: open(p, 'a').write('\\nx = 1\\n') for p in (\n"
        "    np.__file__, os.__file__, json.__file__, shared.__file__)))",
    ),
    _writes(
        "plants a .pth file and a package among the installed ones",
        "import os\n"
        "attempt(lambda: open(f'{SITE}/{MARK}.pth', 'w').write('import os'),\n"
        "        lambda: [os.mkdir(f'{SITE}/{MARK}')],\n"
        "        lambda: open(f'{REPOSITORY}/{MARK}', 'w').write('x'))",
    ),
    _writes(
        "plants compiled code in a __pycache__",
        "import glob, os, py_compile, shared\n"
        "caches = glob.glob(os.path.dirname(np.__file__) + '/__pycache__/*')[:2]\n"
        "caches += glob.glob(os.path.dirname(shared.__file__) + '/__pycache__/*')[:2]\n"
        "attempt(*(lambda p=p: open(p, 'r+b').write(b'') == 0 for p in caches),\n"
        "        lambda: py_compile.compile(np.__file__, doraise=True))",
        place="cell",
    ),
    _writes(
        "leaves a file wherever everybody may write",
        "import os\n"
        "places = ('/tmp', '/var/tmp', '/dev/shm', '/run/lock', '/root', '/home')\n"
        "attempt(*(lambda p=p: open(f'{p}/{MARK}', 'w').write('x') for p in places))",
    ),
    _writes(
        "writes through a thread that starts when the answer is given",
        "import threading\n"
        "def late(): attempt(lambda: open(GRADEBOOK, 'ab').write(b'x'))\n"
        "threading.Timer(0.01, late).start()",
    ),
    _writes(
        "writes when the interpreter ends",
        "import atexit, sys, weakref\n"
        "def late(*_): attempt(lambda: open(GRADEBOOK, 'ab').write(b'x'))\n"
        "atexit.register(late); sys.kept = weakref.finalize(late, late)\nsys.exitfunc = late",
        place="cell",
    ),
    _writes(
        "leaves files for the next student's code in its folder",
        "import os\n"
        "attempt(lambda: os.path.exists('left'), lambda: os.path.exists('/scratch/left'))\n"
        "try: open('left', 'w').write('x')\nexcept OSError: pass",
        place="cell",
    ),
]
