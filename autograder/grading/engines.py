"""One database engine for a whole grading, where nbgrader makes ten a hand-in.

An engine remembers how each query is written in SQL; a new one has to work that out again, which
takes longer than all the queries of a hand-in.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_engine() -> Generator[None]:
    """Within it, nbgrader's gradebooks on one database share an engine. Not for several threads."""
    from nbgrader import api

    module: Any = api
    create = module.create_engine
    made: dict[str, Any] = {}

    def remembered(url: str, **options: Any) -> Any:
        if url not in made:
            made[url] = create(url, **options)
        return made[url]

    module.create_engine = remembered
    try:
        yield
    finally:
        module.create_engine = create
        for engine in made.values():
            engine.dispose()
