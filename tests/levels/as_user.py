"""Becomes an ordinary user, who can read what is named, and then another program. Run by root.

Arguments: a user id, paths and, behind `--`, the program. A path below a folder that is closed to
others (a Python in /root) is put back where it was, below an empty folder that is open. Needs a
mount namespace of its own (`unshare --mount`), so nobody else sees that.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def closed_above(path):
    """The highest folder above `path` that others may not enter."""
    above = [folder for folder in path.parents if not folder.stat().st_mode & 0o001]
    return above[-1] if above else None


def open_up(paths):
    """Make `paths` reachable for everybody."""
    closed = {path: folder for path in paths if (folder := closed_above(path)) is not None}
    mount("--make-rprivate", "/")
    aside = {path: tempfile.mkdtemp(prefix="labkit-aside-") for path in closed}
    for path, place in aside.items():
        mount("--rbind", str(path), place)
    for folder in set(closed.values()):
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
    for path, place in aside.items():
        path.mkdir(parents=True, exist_ok=True)
        mount("--rbind", place, str(path))
        subprocess.run(["umount", "--lazy", place], check=True)
        os.rmdir(place)


def main():
    cut = sys.argv.index("--")
    user, command = int(sys.argv[1]), sys.argv[cut + 1 :]
    open_up([Path(text).resolve() for text in sys.argv[2:cut]])
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.execvp(command[0], command)


main()
