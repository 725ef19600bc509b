"""Landlock: what the jailed process may do with which files, by three raw system calls.

Everything that the running kernel can handle is handled, and only the given paths are allowed
again. TCP, abstract sockets and signals to others are refused where the kernel knows how.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

from autograder.sandbox import kernel

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_READ = _READ_FILE | _READ_DIR
_FILE_ONLY = _WRITE_FILE | _READ_FILE | _TRUNCATE
_CONNECT_TCP = 1 << 1
_PATH_RULE, _PORT_RULE = 1, 2
_EXECUTE, _IOCTL_DEVICE, _SPECIAL_FILES = 1 << 0, 1 << 15, (1 << 6 | 1 << 9 | 1 << 10 | 1 << 11)


def abi() -> int:
    """The kernel's landlock version.

    Raises:
        OSError: it has none, or landlock is switched off at boot.
    """
    return kernel.syscall("landlock_create_ruleset", 0, 0, 1)


def _handled(version: int) -> tuple[int, int, int]:
    """File, network and scope bits that landlock `version` can handle."""
    bits = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    return (1 << bits) - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0


def restrict(
    readable: Sequence[str], writable: Sequence[str], connect_port: int | None = None
) -> None:
    """Leave this process only `readable` and `writable` paths (folders with all below), for good.

    `connect_port` is the one TCP port that it may connect to, where the kernel can tell ports.

    Raises:
        OSError: landlock is missing, or a path is.
    """
    version = abi()
    files, net, scope = _handled(version)
    attributes = struct.pack("=QQQ", files, net, scope)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = kernel.syscall("landlock_create_ruleset", ctypes.c_char_p(attributes), size, 0)
    try:
        may_write = files & ~(_EXECUTE | _IOCTL_DEVICE | _SPECIAL_FILES)
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, may_write)
        if connect_port is not None and net:
            _allow_port(ruleset, connect_port)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _FILE_ONLY
        rule = struct.pack("=Qi", access, descriptor)
        kernel.syscall("landlock_add_rule", ruleset, _PATH_RULE, ctypes.c_char_p(rule), 0)
    finally:
        os.close(descriptor)


def _allow_port(ruleset: int, port: int) -> None:
    rule = ctypes.create_string_buffer(struct.pack("=QQ", _CONNECT_TCP, port))
    kernel.syscall("landlock_add_rule", ruleset, _PORT_RULE, rule, 0)
