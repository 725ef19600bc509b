"""Which paths a jail may see: Python's own folders, installed packages, system libraries, `shared`.

The folders of an editable install are left out, and with them the repository: of it only the
package `shared` is visible. `solutions/` and `labs/` never are.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import shared

_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo")
_FILES = ("/etc/ld.so.cache", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_PACKAGES = ("site-packages", "dist-packages", "lib-dynload")


@dataclass(frozen=True)
class View:
    """What is visible. All of `readable` are real paths; `links` are needed to reach them."""

    readable: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    hidden: str
    """The folder that holds `shared`: nothing else below it is visible."""


def view() -> View:
    """The view for the Python that is running now.

    Raises:
        OSError: the repository lies inside a folder that must be visible.
    """
    package = Path(shared.__file__).resolve().parent
    hidden = package.parent
    wanted = [*_python_folders(), *_LIBRARIES, *_FILES, str(package)]
    present = [path for path in wanted if os.path.exists(path)]
    real = sorted({os.path.realpath(path) for path in present})
    readable = tuple(path for path in real if not any(_inside(path, o) for o in real if o != path))
    installed = hidden.name in _PACKAGES  # not editable: nothing hidden stands beside `shared`
    covering = [path for path in readable if _inside(str(hidden), path)]
    if covering and not installed:
        raise OSError(
            f"the project lies in {hidden}, inside {covering[0]}, which student code must see. "
            "Move the project to another folder."
        )
    links = {path: os.path.realpath(path) for path in present if os.path.realpath(path) != path}
    return View(readable, tuple(sorted(links.items())), str(hidden))


def _python_folders() -> list[str]:
    paths = sysconfig.get_paths()
    standard = [paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"]]
    zipped = [path for path in sys.path if path.endswith(".zip")]
    packages = [path for path in sys.path if os.path.basename(path) in _PACKAGES]
    # Some builds keep shared libraries beside the standard library.
    return [*standard, os.path.join(sys.base_prefix, "lib"), *packages, *zipped]


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
