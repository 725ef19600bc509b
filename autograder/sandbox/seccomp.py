"""The jail's system call filter, assembled here as a classic BPF program.

A list of what is refused, with the newest known call number as an upper bound, so that calls
invented later do not exist inside. Refused calls fail with EPERM (ENOSYS where libc then falls
back); a program built for another architecture is killed.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence

from autograder.sandbox import kernel

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_CLONE_THREAD = 0x10000
_AF_UNIX, _AF_INET = 1, 2
_STREAM = (1, 1 | 0x800, 1 | 0x80000, 1 | 0x80800)  # SOCK_STREAM, also non-blocking, close-on-exec
_TCP = (0, 6)  # the default protocol and TCP; others such as MPTCP escape landlock
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN: connects without connect(), so landlock is not asked
_TCP_OPTIONS = (1, 4, 5, 6, 18)  # TCP_NODELAY, TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT, _USER_TIMEOUT
_SOL_SOCKET, _SOL_TCP = 1, 6
_X32 = 0x40000000


def _names(text: str) -> list[str]:
    return text.split()


REFUSED = _names(
    # other programs and processes
    "execve execveat fork vfork ptrace process_vm_readv process_vm_writev process_madvise "
    "process_mrelease kcmp tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open "
    "pidfd_getfd setpriority sched_setattr sched_setparam sched_setscheduler ioprio_set "
    "migrate_pages move_pages setpgid setsid setrlimit "
    # network and shared memory
    "socket connect bind listen accept accept4 memfd_create memfd_secret shmget shmat shmctl shmdt "
    "semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink mq_timedsend "
    "mq_timedreceive mq_notify mq_getsetattr "
    # the kernel's less travelled parts
    "io_uring_setup io_uring_enter io_uring_register bpf userfaultfd perf_event_open add_key "
    "request_key keyctl inotify_init inotify_init1 inotify_add_watch fanotify_init fanotify_mark "
    "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self personality "
    "modify_ldt lookup_dcookie uselib ustat sysfs nfsservctl vhangup "
    # mounts, names, identities, the machine
    "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick "
    "mount_setattr unshare setns name_to_handle_at open_by_handle_at mknod mknodat setuid setgid "
    "setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset sethostname "
    "setdomainname settimeofday clock_settime adjtimex clock_adjtime acct quotactl quotactl_fd "
    "syslog iopl ioperm reboot swapon swapoff kexec_load kexec_file_load create_module init_module "
    "finit_module delete_module"
)

# Landlock does not cover these; with the host's own file tree in sight they must go as well.
REFUSED_WITHOUT_NAMESPACES = _names(
    "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat setxattr "
    "lsetxattr fsetxattr removexattr lremovexattr fremovexattr truncate"
)

_PRCTL_ALLOWED = (3, 15, 16, 0x53564D41)  # GET_DUMPABLE, SET_NAME, GET_NAME, SET_VMA
_FCNTL_REFUSED = (8, 10, 15)  # SETOWN, SETSIG, SETOWN_EX: make the kernel signal others
_IOCTL_REFUSED = (0x5412, 0x541C, 0x8901, 0x8902)  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _argument(index: int, *, high: bool = False) -> bytes:
    return _step(_LOAD, 16 + 8 * index + 4 * high)


def _rule(number: int, steps: Sequence[bytes]) -> list[bytes]:
    """`steps`, for one call only. They must return."""
    return [_step(_EQUAL, number, 0, len(steps)), *steps]


def _return(value: int) -> bytes:
    return _step(_RETURN, value)


def _allow_if_in(index: int, values: Sequence[int], then: int, otherwise: int) -> list[bytes]:
    """Return `then` when the low half of an argument is one of `values`, else `otherwise`."""
    tests = [_step(_EQUAL, value, len(values) - i) for i, value in enumerate(values)]
    return [_argument(index), *tests, _return(otherwise), _return(then)]


def _allow_if_all(*wanted: tuple[int, Sequence[int]]) -> list[bytes]:
    """Allow when the low half of each argument (by index) is one of its values."""
    steps: list[bytes] = []
    for index, values in wanted:
        tests = [_step(_EQUAL, value, len(values) - i) for i, value in enumerate(values)]
        steps += [_argument(index), *tests, _return(EPERM)]
    return [*steps, _return(ALLOW)]


def _argument_rules(pid: int) -> dict[str, list[bytes]]:
    """Calls that depend on their arguments. `pid` is the jailed process itself."""
    return {
        "clone": [
            _argument(0),
            _step(_ANY_BIT, _CLONE_THREAD, 0, 1),
            _return(ALLOW),
            _return(EPERM),
        ],
        "clone3": [_return(ENOSYS)],
        # Not datagrams: one end could send to any local socket of the host, and landlock lets it.
        "socketpair": _allow_if_all((0, (_AF_UNIX,)), (1, _STREAM)),
        "kill": _allow_if_in(0, (pid,), ALLOW, EPERM),
        "tgkill": _allow_if_in(0, (pid,), ALLOW, EPERM),
        "sched_setaffinity": _allow_if_in(0, (0, pid), ALLOW, EPERM),
        "prctl": _allow_if_in(0, _PRCTL_ALLOWED, ALLOW, EPERM),
        "fcntl": _allow_if_in(1, _FCNTL_REFUSED, EPERM, ALLOW),
        "ioctl": _allow_if_in(1, _IOCTL_REFUSED, EPERM, ALLOW),
        "prlimit64": [  # reading one's own limits is fine, writing any is not
            _argument(2),
            _step(_EQUAL, 0, 0, 5),
            _argument(2, high=True),
            _step(_EQUAL, 0, 0, 3),
            _argument(0),
            _step(_EQUAL, 0, 2, 0),
            _step(_EQUAL, pid, 1, 0),
            _return(EPERM),
            _return(ALLOW),
        ],
    }


def _without_bit(index: int, bit: int) -> list[bytes]:
    return [_argument(index), _step(_ANY_BIT, bit, 0, 1), _return(EPERM), _return(ALLOW)]


def _door_rules() -> dict[str, list[bytes]]:
    """Calls that are different in a jail with a door: TCP sockets that connect, nothing more.

    Which port may be connected to is landlock's to say, and at level A the network namespace's.
    """
    options = _allow_if_in(2, _TCP_OPTIONS, ALLOW, EPERM)
    return {
        "socket": _allow_if_all((0, (_AF_INET,)), (1, _STREAM), (2, _TCP)),
        "connect": [_return(ALLOW)],
        "sendto": _without_bit(3, _FAST_OPEN),
        "sendmsg": _without_bit(2, _FAST_OPEN),
        "sendmmsg": _without_bit(3, _FAST_OPEN),
        "setsockopt": [
            _argument(1),
            _step(_EQUAL, _SOL_SOCKET, 0, 1),
            _return(ALLOW),
            _step(_EQUAL, _SOL_TCP, 1, 0),
            _return(EPERM),
            *options,
        ],
    }


def program(column: int, pid: int, *, namespaces: bool, door: bool = False) -> bytes:
    """The filter for one architecture (see `kernel.machine`) and one process."""
    steps = [
        _step(_LOAD, 4),
        _step(_EQUAL, kernel.AUDIT_ARCH[column], 1, 0),
        _return(KILL),
        _step(_LOAD, 0),
        _step(_AT_LEAST, _X32, 0, 1),
        _return(KILL),
        _step(_GREATER, kernel.NEWEST, 0, 1),
        _return(ENOSYS),
    ]
    names = REFUSED if namespaces else [*REFUSED, *REFUSED_WITHOUT_NAMESPACES]
    rules = {**_argument_rules(pid), **(_door_rules() if door else {})}
    for name in names:
        if name in rules:
            continue
        number = kernel.NUMBERS[name][column]
        if number is not None:
            steps += _rule(number, [_return(EPERM)])
    for name, body in rules.items():
        number = kernel.NUMBERS[name][column]
        assert number is not None
        steps += _rule(number, body)
    return b"".join([*steps, _return(ALLOW)])


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def install(code: bytes) -> None:
    """Put the filter on this process, for good.

    Raises:
        OSError: the kernel has no seccomp filters, or forbids them.
    """
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = _Program(len(code) // 8, ctypes.addressof(buffer))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.byref(filter_))
