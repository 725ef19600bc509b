"""The filter program does what it says on both architectures, run here by a small interpreter."""

import re
from pathlib import Path

import pytest

from autograder.sandbox import kernel, seccomp
from tests.sandbox.bpf import run

PID = 4242
ALLOWED = {  # calls that ordinary numerical Python cannot do without
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "openat": (257, 56),
    "newfstatat": (262, 79), "futex": (202, 98), "getpid": (39, 172), "exit_group": (231, 94),
    "clock_gettime": (228, 113), "getrandom": (318, 278), "sched_yield": (24, 124),
    "getdents64": (217, 61), "recvfrom": (45, 207), "sendto": (44, 206), "madvise": (28, 233),
    "rseq": (334, 293), "epoll_create1": (291, 20), "set_robust_list": (273, 99),
}  # fmt: skip


@pytest.fixture(params=[0, 1], ids=["x86_64", "aarch64"])
def call(request):
    column = request.param

    def ask(name, *args, namespaces=True, arch=None):
        nr = name if isinstance(name, int) else {**kernel.NUMBERS, **ALLOWED}[name][column]
        if nr is None:
            return seccomp.EPERM  # no such call here
        program = seccomp.program(column, PID, namespaces=namespaces)
        return run(program, nr, args, arch=arch or kernel.AUDIT_ARCH[column])

    return ask


@pytest.mark.parametrize("name", seccomp.REFUSED)
def test_every_listed_call_is_refused_whatever_its_arguments(call, name):
    assert call(name) == call(name, PID, PID, PID) == seccomp.EPERM


@pytest.mark.parametrize("name", ALLOWED)
def test_ordinary_calls_pass(call, name):
    assert call(name) == seccomp.ALLOW


@pytest.mark.parametrize("name", seccomp.REFUSED_WITHOUT_NAMESPACES)
def test_changing_a_files_attributes_needs_a_file_tree_of_ones_own(call, name):
    assert call(name, namespaces=False) == seccomp.EPERM
    if any(number is not None for number in kernel.NUMBERS[name]) and call(name) != seccomp.EPERM:
        assert call(name) == seccomp.ALLOW


def test_threads_start_and_processes_do_not(call):
    assert call("clone", 0x3D0F00) == seccomp.ALLOW
    assert call("clone", 17) == seccomp.EPERM
    assert call("clone", 0x4100) == seccomp.EPERM  # CLONE_VM | CLONE_VFORK
    assert call("clone3") == seccomp.ENOSYS


def test_signals_reach_only_oneself(call):
    for name in ("kill", "tgkill"):
        assert call(name, PID, PID, 6) == seccomp.ALLOW
        for other in (0, 1, PID + 1, 0xFFFFFFFF):
            assert call(name, other, 9, 9) == seccomp.EPERM


def test_limits_can_be_read_but_not_written(call):
    assert call("prlimit64", 0, 0, 0, 1) == seccomp.ALLOW
    assert call("prlimit64", PID, 0, 0, 1) == seccomp.ALLOW
    assert call("prlimit64", 1, 0, 0, 1) == seccomp.EPERM
    assert call("prlimit64", 0, 0, 0x1000, 0) == seccomp.EPERM
    assert call("prlimit64", 0, 0, 1 << 40, 0) == seccomp.EPERM


def test_only_harmless_options_pass(call):
    assert call("prctl", 15) == call("prctl", 16) == seccomp.ALLOW
    for option in (1, 4, 22, 38, 40, 47):
        assert call("prctl", option) == seccomp.EPERM
    assert call("fcntl", 3, 4) == call("ioctl", 1, 0x5401) == seccomp.ALLOW
    for command in (8, 10, 15):
        assert call("fcntl", 3, command) == seccomp.EPERM
    assert call("ioctl", 0, 0x5412) == seccomp.EPERM
    assert call("sched_setaffinity", 0) == seccomp.ALLOW
    assert call("sched_setaffinity", 1) == seccomp.EPERM


def test_pairs_of_sockets_are_local_streams(call):
    for kind in (1, 1 | 0x800, 1 | 0x80000, 1 | 0x80800):
        assert call("socketpair", 1, kind) == seccomp.ALLOW
        assert call("socketpair", 2, kind) == call("socketpair", 30, kind) == seccomp.EPERM
    for kind in (0, 2, 3, 5, 2 | 0x80000, 5 | 0x800):
        assert call("socketpair", 1, kind) == seccomp.EPERM


def test_calls_of_the_future_do_not_exist(call):
    assert call(kernel.NEWEST + 1) == call(999) == seccomp.ENOSYS


def test_another_architectures_calls_kill(call):
    assert call("read", arch=0x40000003) == seccomp.KILL
    assert call(0x40000000) == call(0x40000000 + 59) == seccomp.KILL


HEADERS = (
    Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    Path("/usr/include/asm-generic/unistd.h"),
)


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_numbers_agree_with_the_kernels_own_tables(column):
    if not HEADERS[column].exists():
        pytest.skip("no kernel headers here")
    pattern = r"#define __NR(?:3264)?_(\w+)\s+(\d+)"
    table = {}
    for name, number in re.findall(pattern, HEADERS[column].read_text()):
        table.setdefault(name, int(number))
    for name, numbers in {**kernel.NUMBERS, **ALLOWED}.items():
        ours = "fstatat" if column and name == "newfstatat" else name
        assert numbers[column] == table.get(ours), name
