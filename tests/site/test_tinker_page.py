"""Every block of Python on the pages about Tinker runs, in order, and prints what they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = ("site/start/tinker.md", "site/reference/protocol.md")
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "=== block ==="


def blocks(text: str) -> list[tuple[str, str | None]]:
    """Each Python block with the output that the page shows below it."""
    found: list[tuple[str, str | None]] = []
    for kind, body in BLOCK.findall(text):
        if kind == "python":
            found.append((body, None))
        else:
            found[-1] = (found[-1][0], body)
    return found


def words(output: str) -> str:
    """Output without what differs between machines: loss figures, run ids, and how many sums."""
    shown = re.sub(r"loss [\d.]+", "loss N", output)
    shown = re.sub(r"tinker://[^/]+/", "tinker://RUN/", shown)
    return re.sub(r"\d+ right", "N right", shown).strip()


@pytest.mark.slow
def test_what_the_pages_show_is_what_happens(repository: Path, tmp_path: Path) -> None:
    shown = [one for page in PAGES for one in blocks((repository / page).read_text("utf-8"))]
    assert len(shown) >= 8
    script = tmp_path / "pages.py"
    script.write_text(f"\nprint({MARK!r}, flush=True)\n".join(code for code, _ in shown))
    environment = os.environ | {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(repository),
        "PYTHONWARNINGS": "error::FutureWarning",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(MARK)
    assert len(printed) == len(shown)
    for (code, promised), got in zip(shown, printed, strict=True):
        if promised is not None:
            assert words(got) == words(promised), code
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)", done.stdout)]
    assert losses[0] > 2 > 0.1 > losses[-1]  # nats a token: from unknown to known by heart
    (right,) = re.findall(r"(\d+) right", done.stdout)
    assert int(right) >= 18  # of 24: adding is the base model's skill, most of it stays
    assert (tmp_path / "export/peft_adapter/adapter_model.safetensors").is_file()
