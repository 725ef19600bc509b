"""The probe says what this machine offers, by trying it, and what would help where it does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.errors import EnvironmentRefused
from autograder.sandbox import kernel, probe, visible
from autograder.sandbox.client import Zygote

REPO = Path(__file__).resolve().parents[2]
OK = {"seccomp": "ok", "landlock": "ok (version 7)", "namespaces": "ok"}


@pytest.mark.jail
def test_this_machine_offers_a_level_and_every_part_is_named():
    found = probe.probe()
    assert found.level in ("A", "B") and set(found.primitives) == set(OK)
    assert (found.remedy == "") == (found.level == "A")


@pytest.mark.parametrize(
    ("missing", "level"), [([], "A"), (["namespaces"], "B"), (["landlock"], None),
                           (["seccomp"], None), (["landlock", "namespaces"], None)],
)  # fmt: skip
def test_the_level_follows_from_the_parts(missing, level):
    found = probe._conclude({**OK, **dict.fromkeys(missing, "missing: no")})
    assert found.level == level and found.missing == [n for n in OK if n in missing]
    assert bool(found.remedy) == bool(missing)


def test_another_system_is_told_so(monkeypatch):
    monkeypatch.setattr(kernel, "machine", lambda: None)
    found = probe.probe_here()
    assert found.level is None and "Linux" in found.primitives["platform"]


# Without its own calls the kernel looks like an older one: fail them before probing.
_OLDER = """
import struct, sys
from autograder.sandbox import kernel, probe, seccomp
from autograder.errors import EnvironmentRefused
step = lambda code, k, jt=0, jf=0: struct.pack("=HBBI", code, jt, jf, k)
names = sys.argv[1].split(",")
numbers = [kernel.NUMBERS[name][kernel.machine()] for name in names]
program = [step(0x20, 0)]
for number in numbers:
    program += [step(0x15, number, 0, 1), step(6, seccomp.ENOSYS)]
seccomp.install(b"".join([*program, step(6, seccomp.ALLOW)]))
found = probe.probe()
print(found.level, ",".join(found.missing))
from autograder.sandbox.client import Zygote
try:
    with Zygote.start(preload=()) as zygote:
        print(zygote.level)
except EnvironmentRefused as error:
    print(error, error.exit_code)
"""


def on_an_older_kernel(*calls):
    command = [sys.executable, "-c", _OLDER, ",".join(calls)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.jail
def test_a_kernel_without_landlock_is_refused_by_name():
    found, refusal = on_an_older_kernel("landlock_create_ruleset")
    assert found == "None landlock"
    assert "landlock is missing: landlock_create_ruleset" in refusal and refusal.endswith(" 3")


@pytest.mark.jail
def test_a_kernel_without_user_namespaces_gives_level_b():
    assert on_an_older_kernel("unshare") == ["B namespaces", "B"]


@pytest.mark.jail
def test_the_zygote_refuses_a_level_that_does_not_exist():
    with pytest.raises(EnvironmentRefused, match="at level C: no such level"):
        Zygote.start(level="C", preload=())


def test_a_broken_probe_is_a_finding_not_a_crash(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert probe.probe().level is None


def test_the_probe_prints_what_doctor_reads(capsys, monkeypatch):
    monkeypatch.setattr(probe, "probe_here", lambda: probe._conclude(OK))
    probe.main()
    assert probe.Probe(**json.loads(capsys.readouterr().out)).level == "A"


def test_the_view_holds_python_and_shared_but_not_the_project():
    seen = visible.view()
    assert str(REPO) == seen.hidden and str(REPO / "shared") in seen.readable
    for path in seen.readable:
        assert not str(REPO / "solutions").startswith(path + "/")
        assert not str(REPO / "autograder").startswith(path)


def test_a_project_inside_a_visible_folder_is_refused(monkeypatch):
    monkeypatch.setattr(visible, "_LIBRARIES", (str(REPO.parent),))
    with pytest.raises(OSError, match="Move the project"):
        visible.view()
