"""Whole tables of runs in one pass over the cells: many runs, all of their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import MISSING, Column
from mendel.catalog.sheet import check_drawers, sheet
from mendel.catalog.sql import runs, summing
from mendel.catalog.sql.cell import text, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mendel.catalog.sql.dialect import Sqlite

# A pass reads every cell of the store, at a thirtieth of the price of a run that is read whole.
_FEW = 30
_MOST = 2  # where so large a part of the runs is asked for, the rest is read too, and let go
_CELLS = "SELECT key, run, value FROM cell"
_LASTS = "SELECT key, run, last, types FROM series"
_CHOSEN = " WHERE +run IN (SELECT value FROM json_each(?))"
_FLOAT = summing.TYPE_BITS["d"]
_PREFIX = {"params": "params.", "summary": "metrics.", "series": "metrics.", "tags": "tags."}


def read(
    connection: Any, dialect: Sqlite, ids: Sequence[str], drawers: Sequence[str]
) -> list[Column]:
    """Return all that runs have in some drawers: see `Catalog.sheet`."""
    check_drawers(drawers)
    rows = runs.rows_of(connection, dialect, ids)
    size = connection.execute("SELECT max(row) FROM run").fetchone()[0] or 0
    if len(rows) * _FEW < size or len(set(ids)) < len(ids):
        return sheet(runs.read(connection, dialect, ids), ids, drawers)
    names = {row: text(name) for row, name in connection.execute("SELECT row, name FROM key")}
    places = {rows[run]: place for place, run in enumerate(ids) if run in rows}
    most = len(places) * _MOST > size

    def cursor(statement: str) -> Any:
        if most:
            return connection.execute(statement)
        return connection.execute(statement + _CHOSEN, (dialect.list(places),))

    cells: dict[int, list[Any]] = {}
    lasts: dict[int, list[Any]] = {}
    if {*drawers} - {"series"}:
        _fill(cells, cursor(_CELLS), places, len(ids))
    if "series" in drawers:
        _fill(lasts, _typed(cursor(_LASTS)), places, len(ids))
    return [
        column
        for drawer in drawers
        for column in _named(drawer, lasts if drawer == "series" else cells, names)
    ]


def _typed(found: Any) -> Iterator[tuple[int, int, Any]]:
    for key, run, last, types in found:
        plain = types == _FLOAT and last is not None
        yield key, run, last if plain else summing.number(last, types)


def _fill(columns: dict[int, list[Any]], found: Any, places: dict[int, int], size: int) -> None:
    for key, run, got in found:
        place = places.get(run)
        if place is None:
            continue
        column = columns.get(key)
        if column is None:
            column = columns[key] = [MISSING] * size
        column[place] = value(got) if type(got) is bytes else got


def _named(drawer: str, columns: dict[int, list[Any]], names: dict[int, str]) -> list[Column]:
    prefix = _PREFIX[drawer]
    found = {names[key]: values for key, values in columns.items()}
    return [
        Column(f"{drawer}.{name.removeprefix(prefix)}", tuple(found[name]))
        for name in sorted(found)
        if name.startswith(prefix)
    ]
