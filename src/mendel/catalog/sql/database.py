"""Connections, transactions, and the one door at which the driver's errors become Mendel's.

Each thread has a connection of its own. A forked child never touches its parent's: it leaves them
open and unused (to close one would let SQLite think that nobody else has the file) and opens new
ones.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from mendel.catalog.sql import schema
from mendel.catalog.sql.names import Interner
from mendel.graph.errors import ReadOnlyError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.catalog.sql.dialect import Sqlite

_left_to_parents: list[Any] = []  # never collected, so never closed


def _close_mine(connections: list[tuple[threading.Thread, Any]], pid: int) -> None:
    """Close what nobody closed; not in a forked child, whose parent may be using it."""
    if pid == os.getpid():
        for _, connection in connections:
            connection.close()


class Database:
    """The tables of one catalog."""

    def __init__(self, dialect: Sqlite) -> None:
        self.dialect = dialect
        self.names = Interner()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, Any]] = []
        self._pid = os.getpid()
        self._closed = False
        weakref.finalize(self, _close_mine, self._all, self._pid)
        with self.door():
            self._bring_up(self.connection())

    def _bring_up(self, connection: Any) -> None:
        if not schema.check(connection, self.dialect.path):
            return
        if self.dialect.is_read_only(connection):
            raise ReadOnlyError(
                f"{self.dialect.path} must be brought to this version of Mendel, but cannot be "
                "written; copy the store to a place that can, and open it there."
            )
        with self._transaction(connection, write=True, durable=False):
            schema.bring_up(connection, self.dialect.path)

    @contextlib.contextmanager
    def door(self) -> Iterator[None]:
        """Let no foreign error out."""
        try:
            yield
        except Exception as error:
            translated = self.dialect.translate(error)  # every error is looked at, its own go on
            if translated is None:
                raise
            raise translated from error

    def connection(self) -> Any:
        """Return this thread's connection.

        Raises:
            StateError: the catalog was closed.
        """
        if self._closed:
            raise StateError("the catalog is closed; open the store again.")
        if self._pid != os.getpid():
            self._forked()
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self.dialect.connect()
            self._local.connection = connection
            with self._lock:
                self._close_orphans()
                self._all.append((threading.current_thread(), connection))
        return connection

    def _close_orphans(self) -> None:
        """Close the connections of threads that ended."""
        for thread, connection in self._all:
            if not thread.is_alive():
                connection.close()
        self._all[:] = [pair for pair in self._all if pair[0].is_alive()]

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self.names = Interner()  # its lock may be held for ever by a thread that is not here
        _left_to_parents.extend(connection for _, connection in self._all)
        self._all.clear()
        self._local = threading.local()
        self._pid = os.getpid()
        weakref.finalize(self, _close_mine, self._all, self._pid)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Any]:
        """Give a connection, in a transaction that sees one state of the catalog."""
        with self.door():
            connection = self.connection()
            if connection.in_transaction:  # within a writing of the same thread
                yield connection
            else:
                with self._transaction(connection, write=False, durable=False):
                    yield connection

    @contextlib.contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[tuple[Any, int]]:
        """Give a connection, in the one transaction that writes, and what the clock says in it.

        ``durable``: it is on the disk, not only on its way there, when this returns.

        Raises:
            ReadOnlyError: the store cannot be written.
        """
        with self.door():
            connection = self.connection()
            with self.names.lock:
                yield from self._writing(connection, durable=durable)

    def _writing(self, connection: Any, *, durable: bool) -> Iterator[tuple[Any, int]]:
        if self.dialect.is_read_only(connection):
            raise ReadOnlyError(
                f"{self.dialect.path} cannot be written; what it holds can still be read."
            )
        committed = False
        try:
            with self._transaction(connection, write=True, durable=durable):
                tick = connection.execute("UPDATE clock SET now = now + 1 RETURNING now")
                yield connection, int(tick.fetchone()[0])
            committed = True
        finally:
            self.names.settle(committed=committed)

    @contextlib.contextmanager
    def _transaction(self, connection: Any, *, write: bool, durable: bool) -> Iterator[None]:
        self.dialect.begin(connection, write=write, durable=durable)
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite ends it itself on some errors
                connection.execute("ROLLBACK")
            raise
        finally:
            if durable:
                self.dialect.relax(connection)

    def give_back(self) -> None:
        """Give the space of deleted rows back to the disk, as far as nobody is in the way."""
        with self.door():
            self.dialect.shrink(self.connection())

    def close(self) -> None:
        """Close every connection of this process."""
        if self._pid != os.getpid():
            self._forked()
        with self._lock:
            self._closed = True
            for _, connection in self._all:
                connection.close()
            self._all.clear()
