"""The pytest plugin behind `pytest solutions/LAB/judge.py --submission FILE.ipynb`.

Loaded in every pytest run by its entry point, so it imports only pytest and does nothing but
register its marker and options until a judge's file is asked for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = ("judge.py", "checks.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a judge that runs alone."""
    group = parser.getgroup("labkit", "judging a lab's submission")
    group.addoption("--submission", metavar="FILE.ipynb", help="the notebook to judge")
    group.addoption("--labkit-seed", metavar="TEXT", help="the course's seed of generated inputs")
    group.addoption(
        "--labkit-trust", action="store_true", help="run the submission without a sandbox"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; take over only when a submission is given."""
    config.addinivalue_line(
        "markers",
        "exercise(name, points, core, examples): a case that judges one exercise of a lab.",
    )
    submission: str | None = config.getoption("--submission")
    if submission is not None:
        from autograder.judge.alone import judge_alone

        judge_alone(config, Path(submission))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a judge's file without a submission in one sentence."""
    if config.pluginmanager.has_plugin("labkit_judging"):
        return
    for item in items:
        if item.path.name in FILES and item.get_closest_marker("exercise"):
            raise pytest.UsageError(
                f"{item.path} judges a submission: add --submission FILE.ipynb."
            )
