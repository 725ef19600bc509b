"""Attacks on other processes: killing, stopping, watching and slowing the judge."""

from ..harness import SYSCALL, Attack

KILLING = [
    Attack(
        family="process",
        name="kills its parent",
        code="import os\nattempt(lambda: [os.kill(os.getppid(), 9)], lambda: [os.kill(ZYGOTE, 9)])",
    ),
    Attack(
        family="process",
        name="kills the grader and everything it can reach",
        code="import os\nattempt(*(lambda p=p: [os.kill(p, 9)] for p in (TESTS, 1, 0, -1)))",
    ),
    Attack(
        family="process",
        name="looks for any process that takes a signal",
        place="cell",
        code=(
            "import os\n"
            "def takes(pid):\n"
            "    try: os.kill(pid, 0)\n"
            "    except OSError: return False\n"
            "    return pid != os.getpid()\n"
            "attempt(lambda: [p for p in range(1, 5000) if takes(p)])"
        ),
    ),
    Attack(
        family="process",
        name="stops the judge with SIGSTOP",
        code="import os, signal\nattempt(*(lambda p=p: [os.kill(p, signal.SIGSTOP)]"
        " for p in (os.getppid(), TESTS)))",
    ),
    Attack(
        family="process",
        name="kills its process group",
        code="import os\nattempt(lambda: [os.killpg(os.getpgrp(), 9)],"
        " lambda: [os.killpg(os.getpgid(os.getppid()), 9)])",
    ),
    Attack(
        family="process",
        name="kills whoever stands at the other end of its channel",
        code=(
            "import os, socket, struct\n"
            "def peer():\n"
            "    with socket.socket(fileno=os.dup(3)) as channel:\n"
            "        told = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)\n"
            "    return struct.unpack('iii', told)[0]\n"
            "attempt(lambda: [os.kill(peer() or os.getppid(), 9)])"
        ),
    ),
    Attack(
        family="process",
        name="signals others by pidfd, tgkill and a queued signal",
        code=SYSCALL + "import os\nparent = os.getppid()\n"
        "attempt(lambda: os.pidfd_open(parent), lambda: call('pidfd_send_signal', 3, 9, None, 0),"
        " lambda: call('tgkill', parent, parent, 9), lambda: call('tkill', parent, 9),"
        " lambda: call('rt_sigqueueinfo', parent, 9, bytes(128)))",
    ),
    Attack(
        family="process",
        name="makes the kernel signal others, by fcntl and ioctl",
        code=(
            "import fcntl, os\n"
            "attempt(lambda: [fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())],\n"
            "        lambda: [fcntl.fcntl(3, fcntl.F_SETSIG, 9)],\n"
            "        lambda: [fcntl.ioctl(0, 0x5412, b'x')])"
        ),
    ),
]

WATCHING = [
    Attack(
        family="process",
        name="traces the judge",
        code=SYSCALL + "import os\nparent = os.getppid()\n"
        "attempt(*(lambda r=r: call('ptrace', r, parent, 0, 0) for r in (0, 16, 0x4206)))",
    ),
    Attack(
        family="process",
        name="reads and writes the judge's memory",
        code=SYSCALL + "import os\nbuffer = ctypes.create_string_buffer(64)\n"
        "part = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 64)\n"
        "attempt(*(lambda n=n, p=p: call(n, p, part, 1, part, 1, 0)"
        " for n in ('process_vm_readv', 'process_vm_writev')"
        " for p in (os.getppid(), ZYGOTE, TESTS)),"
        " lambda: open(f'/proc/{os.getppid()}/mem', 'r+b'))",
    ),
    Attack(
        family="process",
        name="takes the judge's descriptors",
        code=SYSCALL + "import os\n"
        "attempt(lambda: call('pidfd_getfd', 3, 0, 0),"
        " lambda: call('kcmp', os.getpid(), TESTS, 0, 0, 0),"
        " lambda: os.listdir(f'/proc/{os.getppid()}/fd'))",
    ),
    Attack(
        family="process",
        name="slows the judge down: priority, processor, disk",
        code=SYSCALL + "import os\nparent = os.getppid()\n"
        "attempt(lambda: [os.setpriority(os.PRIO_PROCESS, parent, 19)],"
        " lambda: [os.sched_setaffinity(parent, [0])],"
        " lambda: call('ioprio_set', 1, parent, 0x6000),"
        " lambda: [os.sched_setscheduler(parent, 3, os.sched_param(0))])",
    ),
]

ATTACKS = [*KILLING, *WATCHING]
