"""One database engine for a whole grading, where nbgrader makes ten a hand-in.

An engine remembers how each query is written in SQL and keeps its connection; a new one has to do
all that again, and to look whether every table is there, which takes longer than the queries of a
hand-in.
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
    create, tables = module.create_engine, module.Base.metadata
    made: dict[str, Any] = {}
    complete: set[Any] = set()

    def remembered(url: str, **options: Any) -> Any:
        if url not in made:
            made[url] = create(url, **options)
            made[url].dispose = _not_yet
        return made[url]

    def create_all(bind: Any) -> None:
        if bind not in complete:
            type(tables).create_all(tables, bind)
            complete.add(bind)

    module.create_engine, tables.create_all = remembered, create_all
    try:
        yield
    finally:
        module.create_engine = create
        del tables.create_all
        for engine in made.values():
            del engine.dispose
            engine.dispose()


def _not_yet() -> None:
    """Instead of an engine's `dispose`, which every gradebook calls when it is closed."""
