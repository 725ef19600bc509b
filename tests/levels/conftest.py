"""The situations a grader can be in, each as words to put in front of a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
SOMEBODY = 54321
"""An id that no account has: with no entry in /etc/passwd and in no group."""

# What the default profile of Docker refuses without CAP_SYS_ADMIN, as far as a jail asks for it.
PROFILE = (
    *(f"EPERM:{name}" for name in ("unshare", "mount", "umount2", "pivot_root", "setns")),
    *(f"EPERM:{name}" for name in ("mount_setattr", "move_mount", "fsopen", "open_tree", "bpf")),
    *("EPERM:clone", "ENOSYS:clone3"),
)


@dataclass(frozen=True)
class Situation:
    """Where a grader runs: words in front of its command, and who owns its files."""

    name: str
    before: tuple[str, ...] = ()
    user: int | None = None

    def labkit(self, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run `labkit` here, with `home` for what it writes besides."""
        return self.python("-m", "autograder.cli", *arguments, home=home)

    def python(self, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run this Python here."""
        environment = os.environ | {"HOME": str(home), "TMPDIR": str(home), "COLUMNS": "200"}
        return subprocess.run(
            [*self.before, sys.executable, *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def owns(self, folder: Path) -> None:
        """Give `folder` and all below to this situation's user."""
        if self.user is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.user, self.user)


def without(*rules: str) -> tuple[str, ...]:
    """Words that take kernel calls away from what follows."""
    return (sys.executable, str(HERE / "without.py"), *rules, "--")


def root() -> Situation:
    """The superuser, as in most containers and on many graders."""
    if os.geteuid() != 0:
        pytest.skip("these tests do not run as root")
    return Situation("root")


def ordinary_user() -> Situation:
    """Whoever runs the tests; when that is root, somebody else."""
    if os.geteuid() != 0:
        return Situation("ordinary user")
    if shutil.which("unshare") is None:
        pytest.skip("there is no program unshare here")
    needed = dict.fromkeys((str(ROOT), sys.prefix, sys.base_prefix))
    script = (sys.executable, str(HERE / "as_user.py"), str(SOMEBODY), *needed, "--")
    return Situation("ordinary user", ("unshare", "--mount", *script), SOMEBODY)


def container() -> Situation:
    """A container with the default profile: no new namespaces, no mounts."""
    bubble = ("bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
    places = ("--bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    before = (*bubble, "--disable-userns", *places, "--die-with-parent")
    if shutil.which("bwrap") is None or subprocess.run([*before, "true"]).returncode != 0:
        pytest.skip("bwrap cannot make a container here")
    return Situation("container", (*before, *without(*PROFILE)))


SITUATIONS = {"root": root, "ordinary user": ordinary_user, "container": container}


@pytest.fixture(scope="module", params=SITUATIONS)
def situation(request: pytest.FixtureRequest) -> Situation:
    """Each situation in which grading works."""
    return SITUATIONS[request.param]()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody can write to and that lies in no closed folder."""
    with tempfile.TemporaryDirectory(prefix="labkit-home-", dir="/tmp") as name:
        os.chmod(name, 0o777)
        yield Path(name)
