"""Which columns runs have, how many have each, and of which types.

A column's cells lie side by side, so a table is walked once, from one end to the other. Types are
told apart in a second look, and only in columns that hold more than one, or what SQLite has no type
for: to tell them of every cell would take three times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import KeyInfo
from mendel.catalog.sql.cell import TYPES, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.sql.dialect import Sqlite

_SERIES_TYPES = {2: "int", 4: "bool"}
_CHOSEN = "run IN (SELECT value FROM json_each(?))"
_LETTER = (
    "CASE typeof(value) WHEN 'blob' THEN CAST(substr(value, 1, 1) AS TEXT) ELSE typeof(value) END"
)


def read(connection: Any, dialect: Sqlite, rows: Sequence[int]) -> list[KeyInfo]:
    """Return the columns of some runs, by name."""
    runs = connection.execute("SELECT count(*) FROM run WHERE row > 0").fetchone()[0]
    chosen = "1" if len(rows) == runs else _CHOSEN
    bound = () if len(rows) == runs else (dialect.list(rows),)
    found: dict[int, tuple[int, set[str]]] = {}
    for key, number, low, high in connection.execute(
        "SELECT key, count(*), min(typeof(value)), max(typeof(value)) FROM cell"
        f" WHERE {chosen} GROUP BY key",
        bound,
    ).fetchall():
        types = {TYPES[low]} if low == high != "blob" else _types(connection, key, chosen, bound)
        found[key] = number, types
    for key, number, kinds in _series(connection, chosen, bound):
        before, types = found.get(key, (0, set()))
        types.add(_SERIES_TYPES.get(kinds, "float"))
        found[key] = before + number, types
    names = connection.execute("SELECT row, name FROM key").fetchall()
    return [
        KeyInfo(name, found[row][0], tuple(sorted(found[row][1])))
        for name, row in sorted((text(name), row) for row, name in names if row in found)
    ]


def _types(connection: Any, key: int, chosen: str, bound: tuple[str, ...]) -> set[str]:
    rows = connection.execute(
        f"SELECT DISTINCT {_LETTER} FROM cell WHERE key = ? AND {chosen}", (key, *bound)
    )
    return {TYPES[row[0]] for row in rows}


def _series(connection: Any, chosen: str, bound: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Return (key, runs, types) of the series whose runs have no summary metric of that name."""
    rows: list[tuple[int, int, int]] = connection.execute(
        f"SELECT key, count(*), types FROM series WHERE {chosen} AND NOT EXISTS"
        " (SELECT 1 FROM cell c WHERE c.key = series.key AND c.run = series.run)"
        " GROUP BY key, types",
        bound,
    ).fetchall()
    return rows
