"""What hostile code tries, tried for real at both levels. Nothing gets out, nothing is harmed."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from autograder.sandbox.client import Zygote
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Returned, Snippet

pytestmark = pytest.mark.jail
REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def secret(tmp_path):
    """Another student's hand-in, outside."""
    path = tmp_path / "secret.txt"
    path.write_text("hidden")
    return path


def marks(path):
    """What a stat tells, but for the time of the last look."""
    seen = path.stat()
    return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_nlink, seen.st_size, seen.st_mtime_ns


def refused(outcome):
    """The operation ended in an OSError of any kind."""
    return not isinstance(outcome, Returned) and "OSError" in outcome.mro


@pytest.mark.parametrize(
    "code",
    [
        f"open({str(REPO / 'pyproject.toml')!r}).read()",
        f"os.listdir({str(REPO)!r})",
        f"os.listdir({str(REPO / 'solutions')!r})",
        f"os.scandir({str(REPO / 'labs')!r})",
        f"os.open({str(REPO)!r}, os.O_PATH | os.O_DIRECTORY); os.listdir({str(REPO)!r})",
        f"open({str(REPO / 'autograder/sandbox/wire.py')!r}).read()",
        f"os.listdir({str(REPO / 'shared/../solutions')!r})",
        "open(path).read()",
        "os.listdir(os.path.dirname(path))",
        "open('/proc/self/environ').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "os.listdir('/proc')",
        "os.listdir('/home'), os.listdir('/root')",
        "open('/etc/shadow').read()",
        "open('/etc/hostname').read()",
        "os.listdir('/dev/shm')",
        "os.listdir('/sys')",
        "open('/dev/mem', 'rb').read(1)",
        "os.open('/dev/tty', os.O_RDWR)",
    ],
)
def test_nothing_outside_can_be_read(inside, secret, code):
    assert refused(inside(f"import os\nresult = {code}", path=str(secret)))


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')",
        "open(path + '.new', 'w')",
        "os.unlink(path)",
        "os.rename(path, path + '.old')",
        "os.link(path, path + '.link')",
        "os.symlink('/', path + '.link')",
        "os.mkdir(path + '.d')",
        "os.truncate(path, 0)",
        "os.chmod(path, 0)",
        "os.chown(path, os.getuid(), os.getgid())",
        "os.utime(path, (0, 0))",
        "os.setxattr(path, 'user.x', b'1')",
        "os.mkfifo(path + '.fifo')",
        "os.rmdir(os.path.dirname(path))",
        "open('/etc/cron.d/x', 'w')",
        "open(os.__file__, 'a')",
        "open(__import__('numpy').__file__, 'a')",
        "open(__import__('shared').__file__, 'a')",
    ],
)
def test_nothing_outside_can_be_changed(inside, secret, code):
    before = marks(secret)
    assert refused(inside(f"import os\nresult = {code}", path=str(secret)))
    assert secret.read_text() == "hidden" and marks(secret) == before
    assert list(secret.parent.iterdir()) == [secret]


@pytest.mark.parametrize(
    "code",
    [
        "os.fork()",
        "os.forkpty()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('multiprocessing').Process(target=print).start()",
        "os.kill(os.getppid(), 9)",
        "os.kill(os.getppid(), 0)",
        "os.kill(1, 9)",
        "os.kill(-1, 9)",
        "os.killpg(os.getpgrp(), 9)",
        "os.pidfd_open(os.getppid())",
        "os.setsid()",
        "os.setpgid(0, 0)",
        "os.memfd_create('x')",
        "os.setuid(0)",
        "os.chroot('/')",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "os.sched_setaffinity(os.getppid(), [0])",
        "__import__('fcntl').fcntl(1, 8, os.getppid())",
        "__import__('fcntl').ioctl(0, 0x5412, b'x')",
        "__import__('multiprocessing.shared_memory').shared_memory.SharedMemory('x', True, 9)",
    ],
)
def test_no_other_process_can_be_made_or_touched(inside, code):
    assert refused(inside(f"import os\nresult = {code}"))


@pytest.mark.parametrize("budget", ["RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_FSIZE"])
def test_no_limit_can_be_raised(inside, budget):
    code = f"import resource as r\nr.setrlimit(r.{budget}, (r.RLIM_INFINITY, r.RLIM_INFINITY))"
    outcome = inside(code)
    assert outcome.type_name in ("PermissionError", "ValueError")  # Python says ValueError
    assert inside(f"import resource as r\nresult = list(r.getrlimit(r.{budget}))").value[0] > -1


def test_os_system_runs_nothing(inside, jail):
    assert inside("import os; result = os.system('echo escaped')").value != 0
    assert "escaped" not in jail.stdout


@pytest.mark.parametrize(
    "call",
    [
        "prctl(1, 0, 0, 0, 0)",  # forget the parent's death
        "prctl(4, 1, 0, 0, 0)",
        "prctl(22, 0, 0, 0, 0)",
        "ptrace(16, os.getppid(), 0, 0)",
        "unshare(0x10000000)",
        "mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "personality(0)",
        "shmget(0, 4096, 0o1600)",
        "inotify_init()",
        "process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)",
        "syscall(425, 1, 0)",  # io_uring_setup
        "syscall(463, 0)",  # newer than the table
    ],
)
def test_raw_calls_are_refused(inside, call):
    assert inside(f"import ctypes, os\nresult = ctypes.CDLL(None).{call}") == Returned(-1)


def test_the_environment_is_empty(inside):
    code = (
        "import ctypes, os\nenv = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "
        "'environ')\nresult = dict(os.environ), not env or env[0] is None"
    )
    assert inside(code) == Returned(({}, True))


def test_no_network_neither_to_a_listener_here_nor_by_a_local_socket(inside, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = "import socket\nresult = socket.create_connection(('127.0.0.1', port), 1)"
        assert refused(inside(code, port=port))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        code = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect(path)\nresult = 1"
        assert refused(inside(code, path=str(tmp_path / "s")))
    assert refused(inside("import urllib.request as u\nu.urlopen('http://127.0.0.1:1')"))


def test_no_end_of_a_socket_pair_reaches_a_socket_of_the_host(inside, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:  # as a system's log takes them
        log.bind(str(tmp_path / "log"))
        log.setblocking(False)
        for kind in ("SOCK_DGRAM", "SOCK_SEQPACKET", "SOCK_STREAM"):
            code = (
                f"import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.{kind})\n"
                "result = a.sendto(b'stolen', path)"
            )
            assert refused(inside(code, path=str(tmp_path / "log")))
        with pytest.raises(BlockingIOError):
            log.recv(100)


def test_no_set_user_id_program_helps(inside):
    assert refused(inside("import os\nos.execv('/usr/bin/su', ['su'])"))
    assert inside("import os\nresult = os.getresuid()[0] >= 0").value is True


def test_no_capability_is_left(inside, zygote):
    code = (
        "import ctypes\nhead = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "sets = (ctypes.c_uint32 * 6)()\n"
        "assert ctypes.CDLL(None).capget(head, sets) == 0\nresult = list(sets)"
    )
    assert inside(code).value == [0] * 6


def test_only_its_own_channel_and_streams_are_open(zygote):
    code = (
        "import os\nresult = []\nfor fd in range(256):\n"
        "    try: os.fstat(fd); result.append(fd)\n    except OSError: pass"
    )
    with zygote.spawn(Limits()) as fresh:
        assert fresh.execute(Snippet(code)) == Returned([0, 1, 2, 3])
        assert fresh.execute(Snippet("import os; result = os.read(0, 10)")) == Returned(b"")


def test_level_b_has_nowhere_to_write_and_level_a_only_its_own_scratch(zygote, inside):
    outcome = inside("import os\nopen('mine', 'w').write('x')\nresult = os.path.abspath('mine')")
    if zygote.level == "B":
        assert refused(outcome)
        return
    assert outcome == Returned("/scratch/mine") and not os.path.exists("/scratch/mine")
    with zygote.spawn(Limits()) as other:
        assert other.execute(Snippet("import os; result = os.listdir('/scratch')")) == Returned([])
    big = "with open('/scratch/big', 'wb') as f:\n    for _ in range(70): f.write(b'0' * (1 << 20))"
    assert refused(inside(big))


def test_a_program_cannot_be_brought_along(zygote, inside):
    code = (
        "import os, shutil\nopen('/scratch/x', 'wb').write(b'#!/bin/sh')\n"
        "os.chmod('/scratch/x', 0o755)\nos.execv('/scratch/x', ['x'])"
    )
    assert refused(inside(code))


def test_of_the_project_only_shared_can_be_imported(inside):
    assert inside("import shared, os; result = os.path.isfile(shared.__file__)").value is True
    for module in ("autograder.judge.runner", "autograder.course", "solutions"):
        assert {"ImportError", "OSError"} & set(inside(f"import {module}").mro)


def test_ordinary_libraries_still_load_after_the_fork(inside):
    code = (
        "import asyncio, decimal, sqlite3, threading, xml.dom.minidom, yaml, zoneinfo\n"
        "import numpy as np, torch, tempfile\n"
        "done = []\nthread = threading.Thread(target=done.append, args=(1,))\n"
        "thread.start(); thread.join()\n"
        "async def one(): return 1\n"
        "x = torch.ones(64, 64, requires_grad=True); (x @ x).sum().backward()\n"
        "result = [done, asyncio.run(one()), float(x.grad.sum()), np.linalg.det(np.eye(3)),"
        "          str(zoneinfo.ZoneInfo('Europe/Berlin')), sqlite3.connect(':memory:') is None]"
    )
    assert inside(code) == Returned([[1], 1, 2.0 * 64**3, 1.0, "Europe/Berlin", False])


def test_every_jail_starts_from_the_same_random_state(zygote):
    code = "import random, numpy as np, torch\n"
    code += "result = random.random(), np.random.rand(), torch.rand(1).item()"
    draws = []
    for _ in range(2):
        with zygote.spawn(Limits()) as jail:
            draws.append(jail.execute(Snippet(code)))
    assert draws[0] == draws[1]


def test_a_jail_cannot_reach_another_jail(zygote, jail, inside):
    with zygote.spawn(Limits()) as other:
        assert refused(inside("import os\nos.kill(pid, 9)", pid=other.pid))
        code = "import ctypes\nresult = ctypes.CDLL(None).ptrace(16, pid, 0, 0)"
        assert inside(code, pid=other.pid) == Returned(-1)
        assert other.execute(Snippet("result = 1")) == Returned(1)


def test_these_probes_would_succeed_without_a_jail(secret):
    """The tests above prove something only if the same lines work outside."""
    with Zygote.start(trust=True, preload=()) as zygote, zygote.spawn(Limits()) as jail:
        assert zygote.level == jail.level == "trusted"
        code = "import os\nresult = [open(path).read(), bool(os.listdir(repo)), os.system('true')]"
        inputs = {"path": str(secret), "repo": str(REPO)}
        assert jail.execute(Snippet(code, inputs)) == Returned(["hidden", True, 0])
        assert jail.execute(Snippet("import os; result = dict(os.environ)")) == Returned({})
        pid = jail.execute(Snippet("import os, time\nresult = os.fork() or time.sleep(99)")).value
        jail.close()
        end = time.monotonic() + 5
        while os.path.exists(f"/proc/{pid}/fd/0"):
            assert time.monotonic() < end, "a forked child must end with its trusted jail"


def test_the_host_sees_no_trace_of_mounts():
    mounts = subprocess.run(["cat", "/proc/self/mounts"], capture_output=True, text=True).stdout
    assert "labkit-root-" not in mounts
