"""The seam between the catalog's SQL and the database that runs it.

Statements are written once, in a subset that SQLite (3.35 on) and PostgreSQL (12 on) both
understand: upserts with ``ON CONFLICT``, ``RETURNING``, row values. What differs stands here: how a
connection is made, how a list is bound, how transactions begin, what an error means.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from mendel.catalog.sql.place import is_shared
from mendel.graph import clock
from mendel.graph.errors import ReadOnlyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUSY_TIMEOUT_S = 60.0  # eight processes that all write may wait for seconds; nobody waits for ever
_CACHE_KIB = 16_384
_PAGES_AT_ONCE = 4096  # 16 MiB
_STATEMENTS = 256  # prepared ones that a connection keeps


class Cursor(Protocol):
    """What a connection's ``execute`` returns."""

    rowcount: int

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Any: ...


class Dialect(Protocol):
    """A database that the catalog can live in."""

    def connect(self) -> Any:
        """Open a connection.

        Raises:
            StoreError: it cannot be reached.
        """
        ...

    def is_read_only(self, connection: Any) -> bool:
        """Tell whether a connection cannot write."""
        ...

    def begin(self, connection: Any, *, write: bool, durable: bool) -> None:
        """Begin a transaction. ``durable``: its commit waits for the disk."""
        ...

    def relax(self, connection: Any) -> None:
        """Go back to commits that need not wait, after a durable transaction."""
        ...

    def shrink(self, connection: Any) -> None:
        """Give the space of what was deleted back to the disk."""
        ...

    def list(self, values: Iterable[Any]) -> Any:
        """Return what is bound where a statement says ``IN (SELECT value FROM json_each(?))``."""
        ...

    def translate(self, error: Exception) -> Exception | None:
        """Return the Mendel error for an error of the driver; None where it is none of its own."""
        ...


class Sqlite:
    """SQLite in one file: WAL where it can be had, one writer at a time, readers never wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_wal = True
        self._file: tuple[int, int] | None = None  # tells it from a later one of its name

    def connect(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            found = self.path.stat()
        except OSError:  # it was taken away this moment
            return connection
        file = found.st_dev, found.st_ino
        if self._file is None:
            self._file = file
        if self._file != file:  # what is known of the old one is wrong in the new one
            connection.close()
            raise StoreError(f"{self.path} was made anew meanwhile; open the store again.")
        return connection

    def _connect(self) -> sqlite3.Connection:
        folder = self.path.parent
        if self.path.exists() and not (
            os.access(self.path, os.W_OK) and os.access(folder, os.W_OK)
        ):
            return self._connect_read_only()
        connection = self._open("rwc")
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            if _code(error) in _READ_ONLY:
                return self._connect_read_only()
            raise
        return connection

    def _set_journal(self, connection: sqlite3.Connection) -> str:
        """Let the file have a write-ahead log where that is safe; return the mode that it has."""
        wanted = "delete" if is_shared(self.path.parent) else "wal"
        deadline = clock.monotonic() + BUSY_TIMEOUT_S
        while True:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode == wanted:
                return wanted
            # Only in a file that holds nothing yet: space of what is deleted can be given back.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            try:
                # what cannot have it (some file systems) answers with the mode that it keeps
                got = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
                return str(got)
            except sqlite3.OperationalError as error:
                # SQLite does not wait here by itself: another process makes the file, too
                if _code(error) not in _BUSY or clock.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _open(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(self.path))}?{'mode=' if '=' not in mode else ''}{mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,  # transactions are begun by hand
            check_same_thread=False,  # each thread has its own; closing the catalog closes all
            cached_statements=_STATEMENTS,
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._is_wal = self._set_journal(connection) == "wal"
        self.relax(connection)

    def _connect_read_only(self) -> sqlite3.Connection:
        """Open a store that cannot be written; where not even a lock can be taken, as it lies."""
        for mode in ("mode=ro", "immutable=1"):
            connection = self._open(mode)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                connection.execute("PRAGMA query_only = ON")
            except sqlite3.OperationalError:
                connection.close()
                if mode == "immutable=1":
                    raise
            else:
                return connection
        raise AssertionError

    def is_read_only(self, connection: sqlite3.Connection) -> bool:
        return bool(connection.execute("PRAGMA query_only").fetchone()[0])

    def begin(self, connection: sqlite3.Connection, *, write: bool, durable: bool) -> None:
        if durable:
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def relax(self, connection: sqlite3.Connection) -> None:
        # What a power cut may lose of a log stands in journals and in the ledger; without a log
        # it could do harm.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if self._is_wal else 'FULL'}")

    def shrink(self, connection: sqlite3.Connection) -> None:
        # a script, since only that goes on until the last page is moved; in pieces, so that others
        # come to write in between
        while connection.execute("PRAGMA freelist_count").fetchone()[0] > 0:
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        # what a reader still looks at is left for the next time
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def list(self, values: Iterable[Any]) -> str:
        return json.dumps(list(values))

    def translate(self, error: Exception) -> Exception | None:
        if not isinstance(error, sqlite3.Error):
            return None
        code, place = _code(error), self.path
        if code in _BUSY:
            return StoreError(
                f"{place} is busy: another process has been writing to it for more than "
                f"{BUSY_TIMEOUT_S:.0f} s. Try again; `mendel doctor` shows who holds it."
            )
        if code in _READ_ONLY:
            return ReadOnlyError(f"{place} cannot be written ({error}); check its permissions.")
        if code in _DAMAGED:
            return StoreError(
                f"{place} is damaged ({error}). Nothing that runs wrote is lost: "
                "`mendel rebuild` makes it anew from the journals and the ledger of decisions."
            )
        if code == sqlite3.SQLITE_FULL:
            return StoreError(
                f"the disk is full, so {place} was not changed; make room, try again."
            )
        return StoreError(
            f"{place} cannot be used: {error}. `mendel doctor` looks at it; `mendel rebuild` "
            "makes it anew from the journals."
        )


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


def _code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code of an error, if it has one."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
