"""Big pages are chosen from the memory map, and change nothing that is in them."""

from __future__ import annotations

import os

import pytest

from autograder.sandbox import hugepages

MAPS = """\
00400000-00401000 r--p 00000000 08:01 100                                /usr/bin/python3
55d0c0000000-55d0c2000000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
7f0000400000-7f0000800000 r--p 00000000 00:00 0
7f0000800000-7f0000900000 rw-s 00000000 00:01 7                          /dev/zero (deleted)
7f0000900000-7f0000a00000 rw-p 00002000 08:01 9                          /usr/lib/a b.so
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
"""


def test_only_private_writable_memory_of_no_file_is_gathered() -> None:
    assert hugepages._anonymous(MAPS) == [
        (0x55D0C0000000, 0x55D0C2000000),
        (0x7F0000000000, 0x7F0000400000),
    ]


def test_memory_is_the_same_afterwards_here_and_in_a_fork() -> None:
    kept = [os.urandom(1 << 20) for _ in range(16)]
    before = [hash(block) for block in kept]
    hugepages.collapse()
    assert [hash(bytes(bytearray(block))) for block in kept] == before
    pid = os.fork()
    if pid == 0:
        os._exit(0 if [hash(bytes(bytearray(block))) for block in kept] == before else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_machine_without_a_memory_map_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hugepages, "MAPS", hugepages.MAPS.with_name("nowhere"))
    hugepages.collapse()
