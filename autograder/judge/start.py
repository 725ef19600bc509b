"""Starts the zygote that judging wants: warm with what the labs, the judge and pytest import."""

from __future__ import annotations

from autograder.judge.runner import PRELOAD
from autograder.sandbox import client
from autograder.sandbox.limits import Level


def judging_zygote(*, level: Level | None = None, trust: bool = False) -> client.Zygote:
    """A zygote for `judge`; without the warm modules every verdict would import them anew.

    Raises:
        EnvironmentRefused: no sandbox here (and `trust` is False).
    """
    return client.Zygote.start(level=level, trust=trust, preload=(*client.PRELOAD, *PRELOAD))
