"""Gradebooks of one grading share an engine, and leave nbgrader as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from nbgrader import api

from autograder.grading.configure import put_programs_on_path
from autograder.grading.engines import one_engine


@pytest.fixture(autouse=True)
def alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader starts it by name."""
    monkeypatch.setenv("PATH", os.environ["PATH"])  # put back at the end
    put_programs_on_path()


def test_gradebooks_share_an_engine_and_look_for_their_tables_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    tables: Any = type(api.Base.metadata)
    looked, create_all = list[Any](), tables.create_all

    def counted(self: Any, bind: Any) -> None:
        looked.append(bind)
        create_all(self, bind)

    monkeypatch.setattr(tables, "create_all", counted)
    theirs = api.create_engine
    monkeypatch.setattr(api, "create_engine", lambda u, **o: made.append(u) or theirs(u, **o))
    urls = [f"sqlite:///{tmp_path / name}.db" for name in "ab"]
    with one_engine():
        for url in (*urls, *urls):
            with api.Gradebook(url) as book:
                book.update_or_create_student("ana")
    assert made == urls
    assert len(looked) == len(urls)
    for url in urls:
        with api.Gradebook(url) as book:
            assert [student.id for student in book.students] == ["ana"]
    assert len(made) == len(looked) == 4  # afterwards everybody has their own again


def test_what_a_gradebook_did_not_commit_is_gone_for_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with one_engine():
        with api.Gradebook(url) as book:
            book.db.add(api.Student(id="ana"))
            book.db.flush()
        with api.Gradebook(url) as book:
            assert book.students == []


def test_an_error_leaves_nbgrader_as_it_was() -> None:
    theirs = api.create_engine
    with pytest.raises(RuntimeError), one_engine():
        raise RuntimeError
    assert api.create_engine is theirs
    assert "create_all" not in vars(api.Base.metadata)
