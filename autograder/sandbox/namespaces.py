"""Level A's own file tree and network: new namespaces, a small read-only root, the old one gone.

The new root is mounted on a fresh temporary folder that is removed again before any student code
runs, so nothing is left behind however the jail ends.
"""

from __future__ import annotations

import ctypes
import os
import struct
import tempfile

from autograder.sandbox import kernel
from autograder.sandbox.visible import DEVICES, View

_USER, _MOUNT, _NET, _IPC, _UTS = 0x10000000, 0x20000, 0x40000000, 0x8000000, 0x4000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_ATTR_READ_ONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_RECURSIVE, _AT_CWD = 0x8000, -100
_DETACH = 2
_NOBODY = 65534
SCRATCH = "/scratch"


def enter(view: View) -> None:
    """Leave the host's files, network and names behind. Needs a single-threaded process.

    Raises:
        OSError: the kernel or the container forbids it; the message names the step.
    """
    user, group = os.geteuid(), os.getegid()
    flags = _USER | _MOUNT | _NET | _IPC | _UTS
    kernel.syscall("unshare", flags)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{_NOBODY} {user} 1")
    _write("/proc/self/gid_map", f"{_NOBODY} {group} 1")
    kernel.syscall("sethostname", ctypes.c_char_p(b"jail"), 4)
    _mount(None, "/", None, _REC | _PRIVATE)
    root = tempfile.mkdtemp(prefix="labkit-root-")
    parent = os.open(os.path.dirname(root), os.O_PATH | os.O_DIRECTORY)
    try:
        _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=4096,mode=755")
        _fill(root, view)
        _switch(root)
        os.rmdir(os.path.basename(root), dir_fd=parent)
    finally:
        os.close(parent)


def _fill(root: str, view: View) -> None:
    for path in view.readable:
        _bind(path, root + path)
        _read_only(root + path, recursive=True)
    for path, target in view.links:
        if not os.path.lexists(root + path):
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(target, root + path)
    for device in DEVICES:
        if os.path.exists(device):
            _bind(device, root + device)
    os.makedirs(root + "/etc", exist_ok=True)
    with open(root + "/etc/passwd", "w") as file:
        file.write(f"nobody:x:{_NOBODY}:{_NOBODY}::{SCRATCH}:/\n")
    os.makedirs(root + SCRATCH, exist_ok=True)
    options = "size=64m,nr_inodes=4096,mode=700"
    _mount("tmpfs", root + SCRATCH, "tmpfs", _NOSUID | _NODEV | _NOEXEC, options)


def _switch(root: str) -> None:
    """Make `root` the root and let go of the old one."""
    os.chdir(root)
    dot = ctypes.c_char_p(b".")
    kernel.syscall("pivot_root", dot, dot)
    # The old root now lies on top of the new one; detaching it is delayed until nobody needs it.
    kernel.syscall("umount2", dot, _DETACH)
    os.chdir("/")
    _read_only("/", recursive=False)
    os.chdir(SCRATCH)


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    # Recursive, because a container's locked submounts may not be left out.
    _mount(source, target, None, _BIND | _REC)


def _read_only(path: str, *, recursive: bool) -> None:
    attributes = struct.pack("=QQQQ", _ATTR_READ_ONLY | _ATTR_NOSUID | _ATTR_NODEV, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    name, block = ctypes.c_char_p(os.fsencode(path)), ctypes.c_char_p(attributes)
    kernel.syscall("mount_setattr", _AT_CWD, name, flags, block, len(attributes))


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    texts = [None if t is None else os.fsencode(t) for t in (source, target, kind, options)]
    names = [ctypes.c_char_p(t) for t in texts]
    try:
        kernel.syscall("mount", names[0], names[1], names[2], flags, names[3])
    except OSError as error:
        raise OSError(error.errno, f"mount on {target}: {os.strerror(error.errno or 0)}") from None


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
