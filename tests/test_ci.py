"""`.ci/run` installs what is missing, then tests, then audits, and stops at the first failure."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

LOGGER = '#!/bin/sh\necho "$(basename "$0") $*" >> "{log}"\nexit {code}\n'


class Machine:
    """A machine whose programs only write down that they were called."""

    def __init__(self, folder: Path, script: Path) -> None:
        self.bin, self.log, self.script = folder / "bin", folder / "log", script
        self.bin.mkdir()
        for name in ("bash", "sh", "dirname", "basename"):
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.add("make")
        self.add("apt-get")
        self.add("sudo")
        self.root(True)

    def add(self, name: str, code: int = 0) -> None:
        path = self.bin / name
        path.write_text(LOGGER.format(log=self.log, code=code), encoding="utf-8")
        path.chmod(0o755)

    def root(self, yes: bool) -> None:
        path = self.bin / "id"
        path.write_text(f"#!/bin/sh\necho {0 if yes else 1000}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self) -> tuple[int, list[str]]:
        environment = {"PATH": str(self.bin)}
        done = subprocess.run([self.bin / "bash", self.script], env=environment, check=False)
        return done.returncode, self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(repository: Path, tmp_path: Path) -> Machine:
    return Machine(tmp_path, repository / ".ci" / "run")


def test_what_is_there_is_not_installed(machine: Machine) -> None:
    machine.add("chromium")
    machine.add("bwrap")
    assert machine.run() == (0, ["make test", "make audit"])


def test_what_is_missing_is_installed_after_an_update(machine: Machine) -> None:
    code, calls = machine.run()
    assert code == 0
    assert calls[0] == "apt-get -qq update"
    assert calls[1].startswith("apt-get -qq install")
    assert calls[1].endswith("chromium bubblewrap")
    assert calls[2:] == ["make test", "make audit"]


def test_who_is_not_root_asks_sudo(machine: Machine) -> None:
    machine.add("google-chrome")
    machine.root(False)
    _, calls = machine.run()
    assert calls[0].startswith("sudo -n")
    assert calls[1].endswith("bubblewrap")


def test_failed_tests_end_it(machine: Machine) -> None:
    machine.add("chromium")
    machine.add("bwrap")
    machine.add("make", code=2)
    assert machine.run() == (2, ["make test"])
