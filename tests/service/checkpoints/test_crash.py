"""Killed in the middle of a save, or out of disk: the old checkpoint stays and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.store import Store

_BEGIN = """
import os, sys, time
from pathlib import Path
from shared.tinker.errors import CheckpointError
from shared.tinker.service import checkpoints as module, manifest
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.limits import Limits
from shared.tinker.service.store import Store
from shared.tinker.service.types import LoraSpec
state = Path(sys.argv[1])
store = Store.open(state)
store.add_run("r", "s", "ana", "null/base", LoraSpec())
checkpoints = Checkpoints(store, state / "checkpoints", Limits(free_disk_bytes=0))
with checkpoints.writing("r", "weights", "a") as folder:
    (folder / "w").write_bytes(b"old")
"""

_HANG = """
def hang(*_, **__):
    print("here", flush=True)
    time.sleep(60)
    os._exit(1)
"""

_SAVE = """
with checkpoints.writing("r", "weights", "a", overwrite=True) as folder:
    (folder / "w").write_bytes(b"new")
"""

_MOMENTS = {
    "while files are written": _HANG
    + _SAVE.replace("(folder /", "(folder / 'half').write_bytes(b'x' * 9); hang(); (folder /"),
    "while the list is forced to disk": _HANG + "manifest.sync_folder = hang" + _SAVE,
    "after the rename, before the commit": _HANG
    + "import shared.tinker.service.schema as schema\n"
    + "schema.Database.transaction = hang"
    + _SAVE,
    "after the commit, before the old one is removed": _HANG
    + "module.Checkpoints._remove = hang"
    + _SAVE,
}


@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_kill_at_any_moment_leaves_one_whole_checkpoint(tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-c", _BEGIN + _MOMENTS[moment], str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
    store = Store.open(tmp_path)
    checkpoints = Checkpoints(store, tmp_path / "checkpoints")
    expected = b"new" if moment.startswith("after the commit") else b"old"
    folder = checkpoints.resolve("tinker://r/weights/a", "ana")
    assert (folder / "w").read_bytes() == expected
    root = tmp_path / "checkpoints"
    assert list(root.glob("*/*/*/*")) == [folder] and list(root.glob(".writing/*")) == []
    store.close()


_FULL = """
for number in range(3):
    try:
        with checkpoints.writing("r", "weights", "a", overwrite=True) as folder:
            with (folder / "w").open("wb") as file:
                for _ in range(64):
                    file.write(os.urandom(1 << 16))
        print("saved")
    except CheckpointError as error:
        print(error)
store.put_future("r1", "ana", None, "application/json", b"{}")
folder = checkpoints.resolve("tinker://r/weights/a", "ana")
root = state / "checkpoints"
print((folder / "w").read_bytes(), store.future("r1", "ana") is not None)
print(len(list(root.glob("*/*/*/*"))), len(list(root.glob(".writing/*"))))
with checkpoints.writing("r", "weights", "b") as folder:
    (folder / "w").write_bytes(b"small")
print("saved again")
"""


def _told(output: str, reason: str) -> None:
    refused, rest = output.splitlines()[:3], output.splitlines()[3:]
    assert all(
        line.startswith("tinker://r/weights/a was not saved:") and reason in line
        for line in refused
    ), output
    assert rest == ["b'old' True", "1 0", "saved again"]


def test_a_full_disk_keeps_the_old_checkpoint_and_says_so(tmp_path: Path) -> None:
    """On a real file system of 2 MB, in a mount namespace of its own."""
    mount = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", *(() if os.geteuid() == 0 else ("-r",)), "-m", "sh", "-ec", mount, "sh"]
    try:
        done = subprocess.run(
            [*command, str(tmp_path), sys.executable, _BEGIN + _FULL],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no file system may be mounted here: {done.stderr[:80]}")
    assert done.returncode == 0, done.stderr
    _told(done.stdout, "No space left on device")


def test_a_file_that_may_not_grow_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    """The kernel refuses what is written beyond 1 MB of one file."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + _BEGIN + _FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _told(done.stdout, "File too large")
