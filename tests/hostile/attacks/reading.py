"""Attacks that read what no student may see: solutions, grades, other students, the environment."""

from functools import partial

from ..harness import trick

_reads = partial(trick, "reads")

ATTACKS = [
    _reads(
        "reads the hidden cases by their path",
        "import pathlib\n"
        "attempt(lambda: open(JUDGE).read(), lambda: pathlib.Path(JUDGE).read_bytes())",
        outside=True,
    ),
    _reads(
        "reads the hidden cases past Python: C, mmap, numpy, a shell",
        "import ctypes, os, mmap\n"
        "def mapped():\n"
        "    with open(JUDGE, 'rb') as f: return mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:]\n"
        "attempt(mapped, lambda: np.fromfile(JUDGE, dtype=np.uint8).size,\n"
        "        lambda: ctypes.CDLL(None).open(JUDGE.encode(), 0) >= 0,\n"
        "        lambda: os.popen(f'cat {JUDGE}').read())",
        outside=True,
    ),
    _reads(
        "imports the hidden cases as a module",
        "import importlib.util as u, runpy, sys\n"
        "def load():\n"
        "    spec = u.spec_from_file_location('judge', JUDGE)\n"
        "    spec.loader.exec_module(u.module_from_spec(spec)); return True\n"
        "def path():\n"
        "    sys.path.insert(0, JUDGE[:-9]); import judge; return True\n"
        "attempt(load, path, lambda: runpy.run_path(JUDGE))",
        outside=True,
    ),
    _reads(
        "walks the file system for a file called judge.py or gradebook.db",
        "import os\n"
        "wanted = {'judge.py', 'gradebook.db', 'ledger.jsonl', 'course.json'}\n"
        "places = ('/tmp', '/home', '/root', REPOSITORY, '/srv', '/var', '/opt', COURSE)\n"
        "attempt(lambda: [f for p in places for _, _, files in os.walk(p) for f in files"
        " if f in wanted])",
        place="cell",
    ),
    _reads(
        "lists folders on the way to the solutions",
        "import os\n"
        "ways = [COURSE, COURSE + '/solutions', COURSE + '/submitted', REPOSITORY,\n"
        "        REPOSITORY + '/solutions', REPOSITORY + '/shared/../labs', SITE + '/../../..']\n"
        "attempt(*(lambda p=p: os.listdir(p) for p in ways))",
        outside=True,
    ),
    _reads(
        "holds a path without opening it, and opens it again",
        "import os\n"
        "def again():\n"
        "    fd = os.open(JUDGE, os.O_PATH)\n"
        "    return open(f'/proc/self/fd/{fd}').read()\n"
        "def below():\n"
        "    fd = os.open(COURSE, os.O_PATH)\n"
        "    return os.read(os.open('gradebook.db', os.O_RDONLY, dir_fd=fd), 9)\n"
        "attempt(again, below)",
        outside=True,
    ),
    _reads(
        "opens a file by its kernel handle",
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "handle = (ctypes.c_uint32 * 34)(128)\nmount = ctypes.c_int()\n"
        "attempt(lambda: libc.name_to_handle_at(-100, JUDGE.encode(), handle,"
        " ctypes.byref(mount), 0) == 0, lambda: libc.open_by_handle_at(3, handle, 0) >= 0)",
    ),
    _reads(
        "links a hidden file into its own folder",
        "import os\n"
        "def soft(): os.symlink(JUDGE, 'soft'); return open('soft').read()\n"
        "def hard(): os.link(JUDGE, 'hard'); return open('hard').read()\n"
        "attempt(soft, hard, lambda: os.rename(JUDGE, 'moved') is None)",
    ),
    _reads(
        "reads the gradebook with SQL",
        "import sqlite3\n"
        "attempt(lambda: sqlite3.connect(f'file:{GRADEBOOK}?mode=ro', uri=True)"
        ".execute('select * from grade').fetchall(),\n"
        "        lambda: open(GRADEBOOK, 'rb').read())",
        outside=True,
    ),
    _reads(
        "reads another student's notebook, graded and as handed in",
        "attempt(lambda: open(OTHER).read(),"
        " lambda: open(OTHER.replace('submitted', 'autograded')).read())",
        outside=True,
    ),
    _reads(
        "reads the course's seed and ledger",
        "attempt(*(lambda n=n: open(f'{COURSE}/{n}').read()"
        " for n in ('course.json', 'ledger.jsonl', 'roster.csv')))",
        outside=True,
    ),
    _reads(
        "reads the environment, through Python, C and /proc",
        "import ctypes, os\n"
        "environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\n"
        "attempt(lambda: dict(os.environ), lambda: environ and environ[0],\n"
        "        lambda: ctypes.CDLL(None).getenv(b'PATH'),\n"
        "        lambda: open('/proc/self/environ', 'rb').read())",
    ),
    _reads(
        "reads the grader's environment, command line and folder",
        "import os\n"
        "files = ('environ', 'cmdline', 'maps', 'cwd', 'root', 'fd', 'stat')\n"
        "pids = (os.getppid(), ZYGOTE, TESTS, 1)\n"
        "def look(pid, name):\n"
        "    path = f'/proc/{pid}/{name}'\n"
        "    if name == 'fd': return os.listdir(path)\n"
        "    if name in ('cwd', 'root'): return os.listdir(path + '/')\n"
        "    return open(path, 'rb').read()\n"
        "attempt(*(lambda p=p, f=f: look(p, f) for p in pids if p for f in files))",
    ),
    _reads(
        "reads memory through /proc",
        "import os\n"
        "attempt(*(lambda p=p: open(f'/proc/{p}/mem', 'rb').seek(4096)"
        " for p in ('self', os.getppid(), ZYGOTE, TESTS)),\n"
        "        lambda: open('/dev/mem', 'rb').read(1),\n"
        "        lambda: open('/proc/kcore', 'rb').read(1))",
    ),
    _reads(
        "reads whatever was left open when it was forked",
        "import os\n"
        "def left():\n"
        "    found = []\n"
        "    for fd in [0, *range(4, 256)]:\n"
        "        try: found.append(os.pread(fd, 9, 0) or os.read(fd, 9))\n"
        "        except OSError: pass\n"
        "    return any(found)\n"
        "attempt(left)",
    ),
    _reads(
        "reads passwords, keys and the machine's names",
        "import os, socket\n"
        "attempt(lambda: open('/etc/shadow').read(), lambda: os.listdir('/root'),\n"
        "        lambda: os.listdir('/home'), lambda: open('/etc/hostname').read(),\n"
        "        lambda: open('/etc/machine-id').read(), lambda: os.listdir('/sys'),\n"
        "        lambda: open('/proc/sys/kernel/random/boot_id').read(),\n"
        "        lambda: os.listdir('/run'), lambda: os.listdir('/dev/shm'))",
    ),
    _reads(
        "reads the judge's own source",
        "import inspect, linecache, sys\n"
        "def source():\n"
        "    import autograder.judge.runner as runner; return inspect.getsource(runner)\n"
        "attempt(source, lambda: open(REPOSITORY + '/autograder/judge/runner.py').read(),\n"
        "        lambda: [f for f in linecache.cache if '/judge' in f and linecache.getlines(f)])",
    ),
    _reads(
        "finds a loaded module of the lab or a path of the course in memory",
        "import gc, sys\n"
        "held = [o for d in gc.get_objects() if type(d) is dict for o in list(d.values())"
        " if type(o) is str]\n"
        "attempt(lambda: [m for m in sys.modules if 'lab94' in m or m == 'judge'],\n"
        "        lambda: [h for h in held if 'CANARY' '_94' in h],\n"
        "        lambda: [p for p in sys.path if 'solutions' in p or p == REPOSITORY])",
        place="cell",
    ),
]
