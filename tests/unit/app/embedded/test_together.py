"""Writes of many threads share a transaction, and a step that fails undoes itself alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from marsad_app.embedded.database import Database
from marsad_app.embedded.together import Together


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "marsad.db")
    yield database
    database.close()


def put(database: Database, name: str, *, fails: bool = False) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO meta VALUES (?, 'x')", (name,))
        if fails:
            raise KeyError(name)


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM meta")}


def test_all_that_waits_for_a_writer_is_written_once_it_lets_go(database: Database) -> None:
    together = Together(database)
    with ThreadPoolExecutor(8) as pool:
        with database.write():
            waiting = [pool.submit(together.write, lambda n=n: put(database, f"n{n}")) for n in range(8)]
        for future in waiting:
            future.result()

    assert names(database) == {f"n{n}" for n in range(8)}


def test_a_step_that_fails_undoes_itself_and_no_other(database: Database) -> None:
    together, gate = Together(database), threading.Barrier(6)

    def work(number: int) -> None:
        gate.wait()
        together.write(lambda: put(database, f"n{number}", fails=number == 3))

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(work, number) for number in range(6)]

    assert [type(future.exception()) for future in done] == [KeyError if n == 3 else type(None) for n in range(6)]
    assert names(database) == {"n0", "n1", "n2", "n4", "n5"}


def test_a_step_inside_a_transaction_of_its_own_thread_joins_it(database: Database) -> None:
    together = Together(database)

    with pytest.raises(KeyError), database.write():
        together.write(lambda: put(database, "inside"))
        raise KeyError

    assert names(database) == set()
    together.write(lambda: put(database, "later"))
    assert names(database) == {"later"}
