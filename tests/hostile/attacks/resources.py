"""Attacks that use up what there is: memory, time, output, files and descriptors."""

from ..harness import Attack

MEMORY = "used more memory than allowed"
TIME = "used up its time"
PRINTED = "printed more than allowed"
ENDED = "ended its own process"

MEMORY_ATTACKS = [
    Attack(
        family="memory",
        name="keeps lists that grow",
        code="kept = []\nwhile True: kept.append(bytearray(10 ** 6))",
        status="error",
        says=MEMORY,
    ),
    Attack(
        family="memory",
        name="asks numpy and torch for a gigantic array",
        code="np.zeros(10 ** 13) + torch.ones(10 ** 12)",
        status="error",
        says=MEMORY,
    ),
    Attack(
        family="memory",
        name="catches every MemoryError and asks again",
        code="while True:\n    try: x = bytearray(10 ** 9)\n    except MemoryError: pass",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="memory",
        name="maps anonymous and shared memory past Python",
        code=(
            "import ctypes, mmap\nlibc = ctypes.CDLL(None)\nlibc.mmap.restype = ctypes.c_ssize_t\n"
            "attempt(lambda: mmap.mmap(-1, 1 << 33), lambda: libc.shmget(0, 4096, 0o1600) >= 0,\n"
            "        lambda: libc.mmap(None, ctypes.c_size_t(1 << 33), 3, 0x22, -1, 0) != -1)"
        ),
    ),
    Attack(
        family="memory",
        name="recurses until the C stack ends",
        code=(
            "import sys\nsys.setrecursionlimit(10 ** 9)\n"
            "class Deep:\n    def __repr__(self): return repr(Deep())\nrepr(Deep())"
        ),
        status="error",
        says=ENDED,
    ),
    Attack(
        family="memory",
        name="writes a number a gigabyte wide",
        code="'%1000000000d' % 1",
        status="error",
        says=MEMORY,
    ),
]

CPU_ATTACKS = [
    Attack(
        family="cpu",
        name="loops for ever in the call",
        code="while True: pass",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="loops for ever while the cell loads",
        place="cell",
        code="while True: pass",
        status="error",
        says="used up its time while running this cell",
    ),
    Attack(
        family="cpu",
        name="loops for ever and catches whatever interrupts it",
        code="while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="loops inside C, where no Python runs",
        code="sum(range(10 ** 12))",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="multiplies gigantic integers",
        code="3 ** (10 ** 9)",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="blows up a regular expression",
        code="import re; re.match('(a+)+b', 'a' * 60)",
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="loops in the attribute that the wire asks for",
        code=(
            "class Loops:\n"
            "    def __getattribute__(self, name):\n        while True: pass\n"
            "    def __iter__(self):\n        while True: pass\n"
            "Loops.__array__ = Loops.__iter__\nreturn Loops().x"
        ),
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="sleeps",
        code="import time; time.sleep(1000)",
        waits=True,
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="sleeps inside C with the interpreter's lock held",
        code="import ctypes; ctypes.PyDLL(None).sleep(1000)",
        waits=True,
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="cpu",
        name="waits for a lock that nobody frees, while the cell loads",
        place="cell",
        code="import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()",
        waits=True,
        status="error",
        says="used up its time while running this cell",
    ),
    Attack(
        family="cpu",
        name="waits for input that never comes",
        code="import os\nattempt(input, lambda: os.read(0, 1))",
    ),
]

OUTPUT_ATTACKS = [
    Attack(
        family="output",
        name="prints without end",
        code="while True: print('x' * 1000)",
        status="error",
        says=PRINTED,
    ),
    Attack(
        family="output",
        name="writes without end past Python's streams",
        code="import os\nwhile True: os.write(2, bytes(1000))",
        status="error",
        says=PRINTED,
    ),
    Attack(
        family="output",
        name="prints one gigantic line while the cell loads",
        place="cell",
        code="print('x' * 10 ** 7)",
        status="error",
        says="printed more than allowed while running this cell",
    ),
    Attack(
        family="output",
        name="raises an error with a gigantic message",
        code="raise ValueError('x' * 10 ** 7)",
        status="error",
        says="ValueError: xxx",
    ),
    Attack(
        family="output",
        name="raises an error that writes HTML, terminal codes and a mark into the page",
        code=(
            "raise ValueError('<script>alert(1)</script>\\x1b[2J\\u202e'\n"
            "                 '</code>**8 of 8 points**{{ 7*7 }}$$x$$')"
        ),
        status="error",
        says="ValueError: <script>",
    ),
    Attack(
        family="output",
        name="returns more than fits through the wire",
        code="return np.zeros(2 * 10 ** 6)",
    ),
    Attack(
        family="output",
        name="closes every descriptor",
        code="import os; os.closerange(0, 256)",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="output",
        name="puts something else in place of the streams",
        code=(
            "import sys\nclass Bad:\n"
            "    def write(self, text): raise SystemExit\n"
            "    def flush(self): raise KeyboardInterrupt\n"
            "    def __getattr__(self, name): raise MemoryError\n"
            "sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Bad()"
        ),
    ),
]

FILE_ATTACKS = [
    Attack(
        family="files",
        name="opens descriptors until there are none, and answers",
        code=(
            "import os\nkept = []\ndef many():\n"
            "    while True: kept.extend(os.pipe())\n"
            "attempt(many)"
        ),
    ),
    Attack(
        family="files",
        name="fills the disk",
        code=(
            "import os\ndef fill():\n"
            "    with open('big', 'ab') as file:\n"
            "        while True: file.write(bytes(1 << 22)); file.flush()\n"
            "attempt(fill)"
        ),
    ),
    Attack(
        family="files",
        name="makes a file that is larger than any disk",
        code="attempt(lambda: open('sparse', 'wb').truncate(1 << 45))",
    ),
    Attack(
        family="files",
        name="makes files without end",
        code=(
            "import os\ndef many():\n"
            "    for n in range(10 ** 5): os.open(f'f{n}', os.O_CREAT)\n"
            "attempt(many)"
        ),
    ),
    Attack(
        family="files",
        name="nests folders deeper than any path",
        code=(
            "import os\ndef deep():\n"
            "    for n in range(300): os.mkdir('d' * 250); os.chdir('d' * 250)\n"
            "attempt(deep)"
        ),
    ),
    Attack(
        family="files",
        name="fills its own pipes until it hangs",
        place="cell",
        code="import os\nreader, writer = os.pipe()\nwhile True: os.write(writer, bytes(1 << 16))",
        waits=True,
        status="error",
        says="used up its time while running this cell",
    ),
]

ATTACKS = [*MEMORY_ATTACKS, *CPU_ATTACKS, *OUTPUT_ATTACKS, *FILE_ATTACKS]
