"""The runs table in memory: columns loaded when asked for, kept up to date with the database."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from mendel.catalog.columns import ColumnEngine
from mendel.catalog.contract import MISSING, Column, KeyInfo, RunQuery
from mendel.catalog.sql import key_counts, runs
from mendel.catalog.sql.source import Source
from mendel.graph.query import parse_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.catalog.sql.database import Database
    from mendel.graph.values import Missing, Value

_FEW = 2  # up to one in so many runs, a column is read run by run rather than loaded whole


class Table:
    """A column engine and what the database's clock said when it was last brought up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._source = Source(database)
        self._lock = threading.Lock()
        with database.reading() as connection:
            self._now = _now(connection)
        self.engine = ColumnEngine(self._source)
        self._keys: tuple[int, list[KeyInfo]] | None = None

    def refresh(self) -> None:
        """Take note of what was committed since."""
        with self._lock, self._database.reading() as connection:
            now = _now(connection)
            if now == self._now:
                return
            rows = connection.execute(
                "SELECT row FROM run WHERE changed > ? AND row > 0"
                " UNION SELECT row FROM gone WHERE changed > ?",
                (self._now, self._now),
            ).fetchall()
            if rows:
                self.engine.invalidate([row[0] for row in rows])
            self._now = now

    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        """Return fields of runs, by their ids."""
        with self._database.reading() as connection:
            rows = runs.rows_of(connection, self._database.dialect, ids)
        own = [rows[i] for i in ids if i in rows]
        size = self._source.size
        if len(own) * _FEW > size and max(own) < size:
            return [Column(n, self._whole(parse_field(n), ids, rows, own)) for n in names]
        out = []
        for name in names:
            found = dict(self._source.load_rows(parse_field(name), own))
            values = (found.get(rows[i], MISSING) if i in rows else MISSING for i in ids)
            out.append(Column(name, tuple(values)))
        return out

    def _whole(
        self, field: str, ids: Sequence[str], rows: Mapping[str, int], own: Sequence[int]
    ) -> tuple[Value | Missing, ...]:
        values = self.engine.values(field, own)
        if len(own) == len(ids):
            return tuple(values)
        there = dict(zip(own, values, strict=True))
        return tuple(there[rows[i]] if i in rows else MISSING for i in ids)

    def keys(self, query: RunQuery) -> list[KeyInfo]:
        """Return all columns that the runs of a query have, by name."""
        everything = query == RunQuery(limit=query.limit, cursor=query.cursor)
        if everything and self._keys is not None and self._keys[0] == self._now:
            return self._keys[1]
        now = self._now
        matching = self.engine.matching(query)
        rows = np.flatnonzero(matching).tolist()
        with self._database.reading() as connection:
            found = key_counts.read(connection, self._database.dialect, rows)
        if everything:
            self._keys = now, found
        return found


def _now(connection: Any) -> int:
    return int(connection.execute("SELECT now FROM clock").fetchone()[0])
