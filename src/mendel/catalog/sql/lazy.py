"""Loads the runs table into memory, and NumPy with it, when somebody searches, not before."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mendel.catalog.sql.database import Database
    from mendel.catalog.sql.table import Table


class LazyTable:
    """The one `Table` of a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._table: Table | None = None

    def get(self) -> Table:
        """Return the table, up to date."""
        from mendel.catalog.sql.table import Table

        if self._pid != os.getpid():
            self._begin()  # a forked child: a thread of its parent may have held the locks
        with self._lock:
            if self._table is None:
                self._table = Table(self._database)
        self._table.refresh()
        return self._table
