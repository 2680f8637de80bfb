"""The runs table in memory: columns loaded when asked for, kept up to date with the database."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from mendel.catalog.columns import ColumnEngine
from mendel.catalog.contract import MISSING, Column, KeyInfo, RunQuery
from mendel.catalog.sql import runs
from mendel.catalog.sql.cell import TYPES, text
from mendel.catalog.sql.source import Source
from mendel.graph.query import parse_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.sql.database import Database

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
            self._now = now
        if rows:
            self.engine.invalidate([row[0] for row in rows])

    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        """Return fields of runs, by their ids."""
        with self._database.reading() as connection:
            rows = runs.rows_of(connection, self._database.dialect, ids)
        size = self._source.run_rows()
        own = [rows[i] for i in ids if i in rows]
        out = []
        for name in names:
            field = parse_field(name)
            if len(rows) * _FEW > size:
                values = self.engine.values(field, own)
                if len(own) < len(ids):
                    there = dict(zip(own, values, strict=True))
                    values = [there[rows[i]] if i in rows else MISSING for i in ids]
            else:
                found = dict(self._source.load_rows(field, own))
                values = [found.get(rows[i], MISSING) if i in rows else MISSING for i in ids]
            out.append(Column(name, tuple(values)))
        return out

    def keys(self, query: RunQuery) -> list[KeyInfo]:
        """Return all columns that the runs of a query have, by name."""
        everything = query == RunQuery(limit=query.limit, cursor=query.cursor)
        if everything and self._keys is not None and self._keys[0] == self._now:
            return self._keys[1]
        now = self._now
        rows = np.flatnonzero(self.engine.matching(query)).tolist()
        found = self._count(rows)
        if everything:
            self._keys = now, found
        return found

    def _count(self, rows: Sequence[int]) -> list[KeyInfo]:
        counts: dict[str, Counter[str]] = {}
        chosen = self._database.dialect.list(rows)
        with self._database.reading() as connection:
            for name, kind, number in connection.execute(_CELLS, (chosen,)):
                counts.setdefault(text(name), Counter())[TYPES[kind]] += number
            for name, types, number in connection.execute(_SERIES, (chosen,)):
                counts.setdefault(text(name), Counter())[_SERIES_TYPES.get(types, "float")] += (
                    number
                )
        return [
            KeyInfo(name, sum(kinds.values()), tuple(sorted(kinds)))
            for name, kinds in sorted(counts.items())
        ]


_SERIES_TYPES = {2: "int", 4: "bool"}
# A column's cells lie side by side, so both of these walk a table once, from one end to the other.
_CELLS = """
SELECT k.name, c.kind, c.number FROM (
    SELECT key, CASE typeof(value) WHEN 'blob' THEN CAST(substr(value, 1, 1) AS TEXT)
        ELSE typeof(value) END AS kind, count(*) AS number
    FROM cell WHERE run IN (SELECT value FROM json_each(?)) GROUP BY key, kind
) c JOIN key k ON k.row = c.key
"""
_SERIES = """
SELECT k.name, s.types, s.number FROM (
    SELECT key, types, count(*) AS number FROM series
    WHERE run IN (SELECT value FROM json_each(?))
      AND NOT EXISTS (SELECT 1 FROM cell c WHERE c.key = series.key AND c.run = series.run)
    GROUP BY key, types
) s JOIN key k ON k.row = s.key
"""


def _now(connection: Any) -> int:
    return int(connection.execute("SELECT now FROM clock").fetchone()[0])
