"""Every call that the kernel has, by name and number on both architectures, and what the jail's
filter makes of it. The whole table is in `syscalls.txt`; nothing passes by being forgotten."""

import re
from pathlib import Path

import pytest

from autograder.sandbox import kernel, seccomp
from tests.sandbox import bpf
from tests.sandbox.test_seccomp import HEADERS, PID

COLUMNS = [0, 1]
IDS = ["x86_64", "aarch64"]
OTHER_ARCHITECTURES = {
    "x86_64": 0xC000003E, "i386": 0x40000003, "aarch64": 0xC00000B7, "arm": 0x40000028,
    "riscv64": 0xC00000F3, "none": 0,
}  # fmt: skip
ARGUMENTS = [
    (),
    (PID,) * 6,
    (1,) * 6,
    (0xFFFFFFFF,) * 6,
    (1 << 40,) * 6,
    (0x10000, 15),
    (15, 0x5412),
]
_32_BIT_ONLY = range(403, 424)
_NOT_ON_ARM = {"arch_specific_syscall", "sync_file_range2"}


def table():
    """Name -> number on x86-64 and on aarch64 (None: no such call there), and its fate."""
    rows = {}
    for line in (Path(__file__).with_name("syscalls.txt")).read_text().splitlines():
        if not line.startswith("#"):
            name, *numbers, fate = line.split()
            rows[name] = (*(None if n == "-" else int(n) for n in numbers), fate)
    return rows


TABLE = table()


def decided(column, number, *args, namespaces=True, arch=None):
    program = seccomp.program(column, PID, namespaces=namespaces)
    return bpf.run(program, number, args, arch=arch or kernel.AUDIT_ARCH[column])


def decisions(column, number, *, namespaces=True):
    return {decided(column, number, *args, namespaces=namespaces) for args in ARGUMENTS}


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_the_table_is_that_of_the_kernels_headers(column):
    if not HEADERS[column].exists():
        pytest.skip("no kernel headers here; the table was made from those of Linux 6.1")
    pattern = r"#define __NR(?:3264)?_(\w+)\s+(\d+)"
    found = {}
    for name, number in re.findall(pattern, HEADERS[column].read_text()):
        ours = "newfstatat" if column and name == "fstatat" else name
        only_32 = column and (int(number) in _32_BIT_ONLY or name in _NOT_ON_ARM)
        if int(number) <= kernel.NEWEST and not only_32:
            found.setdefault(ours, int(number))
    newest = max(found.values())  # headers older than the table lack its end
    ours = {name: row[column] for name, row in TABLE.items() if row[column] is not None}
    assert {name: number for name, number in ours.items() if number <= newest} == found
    assert newest >= kernel.NEWEST - 10


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_our_numbers_are_the_tables(column):
    ours = {name: numbers[column] for name, numbers in kernel.NUMBERS.items()}
    assert ours == {name: TABLE[name][column] for name in ours}
    assert max(row[column] or 0 for row in TABLE.values()) == kernel.NEWEST


@pytest.mark.parametrize("namespaces", [True, False], ids=["A", "B"])
@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_every_call_meets_the_fate_that_the_table_says(column, namespaces):
    wrong = {}
    for name, row in TABLE.items():
        if row[column] is None:
            continue
        seen, fate = decisions(column, row[column], namespaces=namespaces), row[2]
        if fate == "refused-at-B":
            fate = "passes" if namespaces else "refused"
        expected = {"passes": {seccomp.ALLOW}, "refused": {seccomp.EPERM}}.get(fate)
        if fate == "depends":
            expected = {seccomp.ALLOW, seccomp.EPERM} if name != "clone3" else {seccomp.ENOSYS}
        if seen != expected:
            wrong[name] = (fate, seen)
    assert wrong == {}


def test_the_list_of_what_is_refused_names_no_call_that_neither_architecture_has():
    everything = [*seccomp.REFUSED, *seccomp.REFUSED_WITHOUT_NAMESPACES]
    assert len(everything) == len(set(everything))
    assert [n for n in everything if n not in TABLE or TABLE[n][:2] == (None, None)] == []


def test_a_call_that_both_architectures_have_is_decided_alike():
    both = {n: row for n, row in TABLE.items() if None not in row[:2]}
    assert len(both) > 250
    for name, (x86, arm, _) in both.items():
        for args in ARGUMENTS:
            for namespaces in (True, False):
                first = decided(0, x86, *args, namespaces=namespaces)
                assert first == decided(1, arm, *args, namespaces=namespaces), (name, args)


@pytest.mark.parametrize("namespaces", [True, False], ids=["A", "B"])
@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_the_kernel_would_take_the_program(column, namespaces):
    bpf.check(seccomp.program(column, PID, namespaces=namespaces))


def test_a_program_that_the_kernel_would_not_take_is_noticed():
    step = seccomp._step
    end = step(bpf.RETURN, 0)
    for bad in (
        step(bpf.LOAD, 0),  # no return
        step(0x15, 0, 0, 1) + end,  # jumps out
        step(bpf.LOAD, 64) + end,  # past the data
        step(bpf.LOAD, 2) + end,  # not aligned
        step(0x05, 0) + end,  # no step of ours
        end * (bpf.LONGEST + 1),
    ):
        with pytest.raises(AssertionError):
            bpf.check(bad)


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
@pytest.mark.parametrize("foreign", OTHER_ARCHITECTURES)
def test_a_program_for_another_architecture_is_killed_whatever_it_calls(column, foreign):
    arch = OTHER_ARCHITECTURES[foreign]
    if arch == kernel.AUDIT_ARCH[column]:
        return
    program = seccomp.program(column, PID, namespaces=True)
    for number in (*range(kernel.NEWEST + 2), 0x40000000, 0xFFFFFFFF):
        assert bpf.run(program, number, arch=arch) == seccomp.KILL


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_numbers_past_the_table_do_not_exist_and_those_of_x32_kill(column):
    ahead = (*range(kernel.NEWEST + 1, 1024), 0x3FFFFFFF)
    assert {decided(column, number) for number in ahead} == {seccomp.ENOSYS}
    x32 = (*(0x40000000 + n for n in range(0, 600, 7)), 0x80000000, 0xFFFFFFFF)
    assert {decided(column, number) for number in x32} == {seccomp.KILL}


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_every_flag_of_clone_but_the_threads_own_makes_a_process(column):
    number = TABLE["clone"][column]
    for bit in range(32):
        expected = seccomp.ALLOW if 1 << bit == 0x10000 else seccomp.EPERM
        assert decided(column, number, 1 << bit) == expected
        assert decided(column, number, (1 << bit) | (0x10000 << 32)) == expected
    for flags in (0, 17, 0x7E020000, 0x1200011):
        assert decided(column, number, flags) == seccomp.EPERM


@pytest.mark.parametrize("column", COLUMNS, ids=IDS)
def test_of_all_socket_families_only_a_pair_of_local_ones_can_be_made(column):
    for family in range(64):
        assert decided(column, TABLE["socket"][column], family, 1, 0) == seccomp.EPERM
        expected = seccomp.ALLOW if family == 1 else seccomp.EPERM
        assert decided(column, TABLE["socketpair"][column], family, 1, 0) == expected
        # The kernel reads an int: what stands above its 32 bits changes nothing, here too.
        high = family | 1 << 32
        assert decided(column, TABLE["socketpair"][column], high, 1, 0) == expected
