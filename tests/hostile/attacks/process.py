"""What code does with its own process: ending it, starting others, escaping its bounds."""

from ..harness import SYSCALL, Attack

ENDED = "ended its own process"
TIME = "used up its time"
ENDING = [
    Attack(
        family="process",
        name="ends its process with os._exit(0), as if all went well",
        code="import os; os._exit(0)",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="ends its process with the sandbox's own exit code",
        code="import os; os._exit(77)",
        status="error",
        says="used more memory",
    ),
    Attack(
        family="process",
        name="raises SystemExit in the call",
        code="import sys; sys.exit(0)",
        status="error",
        says="SystemExit",
    ),
    Attack(
        family="process",
        name="ends its process while the cell loads",
        place="cell",
        code="import os; os._exit(0)",
        status="error",
        says="while running this cell",
    ),
    Attack(
        family="process",
        name="ends its process from a thread, after it answered",
        code="import os, threading\nthreading.Timer(0.0, os._exit, (0,)).start(); threading.Event()"
        ".wait()",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="kills itself with SIGKILL",
        code="import os; os.kill(os.getpid(), 9)",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="crashes by reading address 0",
        code="import ctypes; ctypes.string_at(0)",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="aborts",
        code="import os; os.abort()",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="stops itself with SIGSTOP",
        code="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        waits=True,
        status="timeout",
        says=TIME,
    ),
]

STARTING = [
    Attack(
        family="process",
        name="forks without end",
        code="import os\nattempt(*[lambda: os.fork() + 1] * 20, lambda: os.forkpty())",
    ),
    Attack(
        family="process",
        name="leaves a daemon behind that writes the gradebook later",
        code=(
            "import os, time\n"
            "def daemon():\n"
            "    if os.fork() == 0:\n"
            "        os.setsid()\n"
            "        if os.fork() == 0:\n"
            "            time.sleep(3); open(GRADEBOOK, 'w').write('100')\n"
            "        os._exit(0)\n"
            "    return True\n"
            "attempt(daemon)"
        ),
    ),
    Attack(
        family="process",
        name="makes processes by raw clone, vfork and clone3",
        code=SYSCALL + "attempt(lambda: call('clone', 17, 0, 0, 0, 0) and 1, lambda: call('vfork'),"
        " lambda: call('clone3', bytes(88), 88), lambda: call('fork'))",
    ),
    Attack(
        family="process",
        name="becomes another program",
        code=(
            "import os, sys\n"
            "attempt(lambda: os.execv(sys.executable, ['python', '-c', '']),\n"
            "        lambda: os.execv('/bin/true', ['true']), lambda: os.execve(3, ['x'], {}))"
        ),
    ),
    Attack(
        family="process",
        name="starts programs by subprocess, posix_spawn and the shell",
        code=(
            "import os, subprocess\n"
            "attempt(lambda: subprocess.run(['/bin/true']),\n"
            "        lambda: os.posix_spawn('/bin/true', ['true'], {}),\n"
            "        lambda: os.system('true') == 0, lambda: os.popen('echo x').read())"
        ),
    ),
    Attack(
        family="process",
        name="brings a program along and runs it",
        code=(
            "import ctypes, mmap, os\n"
            "def bring():\n"
            "    open('x', 'wb').write(b'#!/bin/sh'); os.chmod('x', 0o755)\n"
            "    os.execv('./x', ['x'])\n"
            "attempt(bring, lambda: os.memfd_create('x'))"
        ),
    ),
    Attack(
        family="process",
        name="starts workers by multiprocessing and a process pool",
        code=(
            "import concurrent.futures as c, multiprocessing as m\n"
            "attempt(lambda: [m.get_context('fork').Process(target=print).start()],\n"
            "        lambda: [m.get_context('spawn').Process(target=print).start()],\n"
            "        lambda: [c.ProcessPoolExecutor(1).submit(print)])"
        ),
    ),
]

ESCAPING = [
    Attack(
        family="process",
        name="lifts its own limits and sets the judge's",
        code=(
            "import os, resource as r\nfree = (r.RLIM_INFINITY, r.RLIM_INFINITY)\n"
            "attempt(*(lambda k=k: [r.setrlimit(k, free)] for k in (r.RLIMIT_CPU, r.RLIMIT_AS,\n"
            "        r.RLIMIT_FSIZE, r.RLIMIT_NOFILE)),\n"
            "        lambda: [r.prlimit(os.getppid(), r.RLIMIT_CPU, (1, 1))])"
        ),
    ),
    Attack(
        family="process",
        name="leaves its session, its parent and its parent's death",
        code=(
            "import ctypes, os\n"
            "attempt(lambda: os.setsid(), lambda: [os.setpgid(0, 0)],\n"
            "        lambda: ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0,\n"
            "        lambda: ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0)"
        ),
    ),
    Attack(
        family="process",
        name="enters new or other namespaces and mounts",
        code=SYSCALL + "import os\n"
        "attempt(lambda: call('unshare', 0x10000000), lambda: call('setns', 3, 0),"
        " lambda: [os.chroot('/')], lambda: call('pivot_root', b'.', b'.'),"
        " lambda: call('mount', b'none', b'/', b'tmpfs', 0, None),"
        " lambda: call('umount2', b'/', 2), lambda: call('open_tree', -100, b'/', 1))",
    ),
    Attack(
        family="process",
        name="becomes root and takes capabilities",
        code=SYSCALL + "import os\nhead = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "every = (ctypes.c_uint32 * 6)(*[0xffffffff] * 6)\n"
        "attempt(lambda: [os.setuid(0)], lambda: [os.setresuid(0, 0, 0)],"
        " lambda: [os.setgroups([])],"
        " lambda: call('capset', head, every))",
    ),
    Attack(
        family="process",
        name="reaches for the kernel's less travelled parts",
        code=SYSCALL + "attempt(*(lambda n=n: call(n, 0, 0, 0, 0, 0)"
        " for n in ('io_uring_setup', 'bpf', 'userfaultfd', 'perf_event_open', 'keyctl',"
        " 'modify_ldt', 'kexec_load', 'init_module', 'syslog', 'vhangup')),"
        " lambda: ctypes.CDLL(None).syscall(463, 0) >= 0)  # newer than the filter",
    ),
    Attack(
        family="process",
        name="catches every signal and goes on",
        code=(
            "import signal\n"
            "for number in range(1, 65):\n"
            "    try: signal.signal(number, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\n"
            "while True: pass"
        ),
        status="timeout",
        says=TIME,
    ),
    Attack(
        family="process",
        name="starts threads without end",
        code=(
            "import threading\n"
            "def many():\n"
            "    while True: threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
            "attempt(many)"
        ),
    ),
    Attack(
        family="process",
        name="leaves the work to threads and sleeps",
        code=(
            "import threading, time\n"
            "def burn():\n    while True: pass\n"
            "for _ in range(3): threading.Thread(target=burn).start()\n"
            "time.sleep(60)"
        ),
        status="timeout",
        says=TIME,
    ),
]

ATTACKS = [*ENDING, *STARTING, *ESCAPING]
