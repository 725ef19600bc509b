"""The doctor tells what is there, what is missing and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import doctor
from autograder.cli import app
from autograder.doctor import Finding
from autograder.sandbox.probe import Probe

LOCK = """
# comment
aiohttp==3.14.5
    # via tinker
jupyter-server[test]==2.0 ; python_version < "4"
"""


def test_another_python_is_missing_with_a_remedy() -> None:
    assert doctor.check_python((3, 11)).status == "ok"
    found = doctor.check_python((3, 12))
    assert (found.status, found.found) == ("missing", "3.12")
    assert "make venv" in found.remedy


def test_a_lock_is_read_by_name_and_version() -> None:
    assert doctor.read_lock(LOCK) == {"aiohttp": "3.14.5", "jupyter-server": "2.0"}


def test_packages_as_locked_are_ok() -> None:
    found = doctor.check_packages({"a": "1.0", "b": "2.0"}, {"a": "1.0", "b": "2.0"}.get)
    assert (found.status, found.found) == ("ok", "2 as in requirements.lock")


def test_wrong_and_absent_packages_are_named() -> None:
    found = doctor.check_packages({"a": "1.0", "b": "2.0"}, {"a": "1.1"}.get)
    assert found.status == "missing"
    assert found.found == "a 1.1 (lock: 1.0); b not installed (lock: 2.0)"


def test_a_long_list_of_wrong_packages_is_cut() -> None:
    found = doctor.check_packages({f"p{n}": "1" for n in range(8)}, {}.get)
    assert found.found.endswith("; 3 more")


def test_the_local_part_of_a_version_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "2.13.0+cpu")
    assert doctor.installed("torch") == "2.13.0"


def test_a_kit_without_a_lock_is_no_fault(tmp_path: Path) -> None:
    assert doctor.check_lock(tmp_path).status == "note"


def test_a_missing_browser_and_a_full_disk_are_notes(tmp_path: Path) -> None:
    assert doctor.check_browser(lambda name: None).status == "note"
    assert doctor.check_browser(lambda name: f"/bin/{name}").found == "/bin/chromium"
    assert doctor.check_disk(tmp_path, free_bytes=10**9).status == "note"
    assert doctor.check_disk(tmp_path, free_bytes=10**10).status == "ok"


def test_a_missing_door_is_a_note_that_says_who_needs_it() -> None:
    found = doctor.check_door(Probe("B", {}, "", door="missing: landlock version 3"))
    assert (found.status, found.found) == ("note", "missing: landlock version 3")
    assert "graded without" in found.remedy
    found = doctor.check_door(Probe("A", {}, "", door="ok (a network of its own)"))
    assert (found.status, found.found) == ("ok", "ok (a network of its own) at level A")


def run(monkeypatch: pytest.MonkeyPatch, *findings: Finding, json: bool = False):
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    return CliRunner().invoke(app, ["doctor", *(["--json"] if json else [])])


def test_a_healthy_machine_exits_0(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, Finding("disk", "note", "1 GB free", "Free some."))
    assert done.exit_code == 0
    assert "1 GB free" in done.output


def test_a_missing_sandbox_exits_3_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, Finding("sandbox", "missing", "none", "Use Linux 5.13."))
    assert done.exit_code == 3
    assert "missing: sandbox" in done.output
    assert "Use Linux 5.13." in done.output


def test_json_is_for_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, Finding("sandbox", "missing", "none"), json=True)
    assert done.exit_code == 3
    data = json.loads(done.output)
    assert data["ok"] is False
    assert data["findings"][0]["name"] == "sandbox"


def test_this_machine_is_looked_at() -> None:
    names = [finding.name for finding in doctor.examine()]
    assert names == ["python", "packages", "sandbox", "service door", "chromium", "disk"]
