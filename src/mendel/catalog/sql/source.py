"""Columns of the runs table, read from the database for the column engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.sql import experiment_rows, graph, summing
from mendel.catalog.sql.cell import text, text_cell, value
from mendel.catalog.sql.story import load_decided
from mendel.graph.query_field import AGGREGATES, CAPTURED, LINEAGE_FIELDS, TEXT_FIELD
from mendel.graph.query_run import find, run_texts
from mendel.graph.values import MISSING, Value, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.catalog.sql.database import Database

Pairs = list[tuple[int, "Value"]]

_COLUMNS = {
    "id": "id",
    "name": "name",
    "state": "state",
    "created": "created",
    "started": "started",
    "ended": "ended",
    "updated": "updated",
    "duration": "ended - started",
    "user": "user",
    "host": "host",
    "parent": "parent",
    "group": "cohort",
    "job_type": "job_type",
    "lost_points": "lost_points",
}
_FLAGS = ("pinned", "archived")
_CHOSEN = "IN (SELECT value FROM json_each(?))"


class Source:
    """Implements `mendel.catalog.columns.ColumnSource`. Rows are those of the table `run`.

    Rows that were added after `run_rows` was asked last stay out of what is loaded whole.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.size = 0

    def run_rows(self) -> int:
        """Return the number of rows."""
        with self._database.reading() as connection:
            self.size = int(connection.execute("SELECT max(row) + 1 FROM run").fetchone()[0])
            return self.size

    def load(self, field: str) -> Iterable[tuple[int, Value]]:
        """Return (row, value) of every run that has a value."""
        with self._database.reading() as connection:
            pairs = _Loading(connection, None).load(field)
            newest = connection.execute("SELECT max(row) FROM run").fetchone()[0]
        return pairs if newest < self.size else [p for p in pairs if p[0] < self.size]

    def load_rows(self, field: str, rows: Sequence[int]) -> Iterable[tuple[int, Value]]:
        """Return the same for some rows only."""
        with self._database.reading() as connection:
            return _Loading(connection, self._database.dialect.list(rows)).load(field)


class _Loading:
    """One reading of one field, of all runs or of some."""

    def __init__(self, connection: Any, chosen: str | None) -> None:
        self.connection = connection
        self.chosen = chosen

    def _rows(self, statement: str, column: str, *bound: object) -> list[Any]:
        """Run a statement that ends in a condition, for the chosen runs only."""
        if self.chosen is not None:
            statement += f" AND {column} {_CHOSEN}"
            bound = (*bound, self.chosen)
        rows: list[Any] = self.connection.execute(statement, bound).fetchall()
        return rows

    def load(self, field: str) -> Pairs:
        drawer, dot, key = field.partition(".")
        if field in _COLUMNS:
            column = _COLUMNS[field]
            statement = f"SELECT row, {column} FROM run WHERE row > 0 AND {column} IS NOT NULL"
            return _values(self._rows(statement, "row"))
        if drawer in {"params", "tags"} and dot:
            return self._cells(field)
        if drawer == "metrics" and dot:
            return self._metrics(field)
        if field in _FLAGS:
            rows = self._rows(f"SELECT row, {field} FROM run WHERE row > 0", "row")
            return [(row, bool(flag)) for row, flag in rows]
        if field in LINEAGE_FIELDS:
            return graph.artifacts_of_runs(self.connection, field, self.chosen)
        if drawer == "capture" or drawer in CAPTURED:
            return self._captured(key if drawer == "capture" else field)
        special = {
            "experiment": self._experiment_names,
            "experiment_id": self._experiment_ids,
            "deleted": self._deleted,
            "note": self._notes,
            TEXT_FIELD: self._texts,
        }.get(field)
        return [] if special is None else special()

    # -- params, metrics, tags --

    def _key(self, name: str) -> int | None:
        got = self.connection.execute(
            "SELECT row FROM key WHERE name = ?", (text_cell(name),)
        ).fetchone()
        return None if got is None else int(got[0])

    def _cells(self, name: str) -> Pairs:
        key = self._key(name)
        if key is None:
            return []
        return _values(self._rows("SELECT run, value FROM cell WHERE key = ?", "run", key))

    def _metrics(self, name: str) -> Pairs:
        """Return summary metrics, else last values, else aggregates, as `metric_value` does."""
        sources = [self._cells(name), self._sums(name, "last")]
        series, _, aggregate = name.rpartition(".")
        if aggregate in AGGREGATES and series != "metrics":
            sources.append(self._sums(series, aggregate))
        some = [source for source in sources if source]
        if len(some) == 1:
            return some[0]
        return list({row: got for source in reversed(some) for row, got in source}.items())

    def _sums(self, name: str, aggregate: str) -> Pairs:
        key = self._key(name)
        if key is None:
            return []
        if aggregate == "mean":
            rows = self._rows(
                "SELECT run, count - nan_count, min, max, total FROM series WHERE key = ?",
                "run",
                key,
            )
            means = ((row[0], summing.mean(*row[1:])) for row in rows)
            return [(run, mean) for run, mean in means if mean is not None]
        if aggregate in {"first", "last", "min", "max"}:
            rows = self._rows(
                f"SELECT run, {aggregate}, types FROM series WHERE key = ?", "run", key
            )
            is_end = aggregate in {"first", "last"}
            return [
                (run, got if types == 1 and got is not None else summing.number(got, types))
                for run, got, types in rows
                if is_end or got is not None
            ]
        rows = self._rows(f"SELECT run, {aggregate} FROM series WHERE key = ?", "run", key)
        return [(run, got) for run, got in rows if got is not None]

    # -- the rest --

    def _captured(self, name: str) -> Pairs:
        parts = name.split(".")
        whats = [text_cell(".".join(parts[: i + 1])) for i in range(len(parts))]
        marks = ", ".join("?" * len(whats))
        trees: dict[int, dict[str, Value]] = {}
        for run, what, body in self._rows(
            f"SELECT run, what, body FROM capture WHERE what IN ({marks})", "run", *whats
        ):
            trees.setdefault(run, {})[text(what)] = loads(body)
        found = ((run, find(dict(sorted(tree.items())), name)) for run, tree in trees.items())
        return [(run, got) for run, got in found if got is not MISSING]  # type: ignore[misc]

    def _experiments(self) -> list[tuple[int, experiment_rows.Place]]:
        places = experiment_rows.places(self.connection)
        rows = self._rows("SELECT row, experiment FROM run WHERE row > 0", "row")
        return [(row, places.get(experiment, ("", "", None))) for row, experiment in rows]

    def _experiment_names(self) -> Pairs:
        return [(row, name) for row, (_, name, _) in self._experiments()]

    def _experiment_ids(self) -> Pairs:
        return [(row, an_id) for row, (an_id, _, _) in self._experiments()]

    def _deleted(self) -> Pairs:
        own = dict(self._rows("SELECT row, deleted FROM run WHERE deleted IS NOT NULL", "row"))
        places = experiment_rows.places(self.connection)
        if any(deleted is not None for *_, deleted in places.values()):
            with_it = {row: place[2] for row, place in self._experiments() if place[2] is not None}
            own = {**with_it, **own}
        return list(own.items())

    def _notes(self) -> Pairs:
        rows = self._rows("SELECT run, body FROM decided WHERE run > 0", "run")
        notes = ((run, load_decided(body).note) for run, body in rows)
        return [(run, note) for run, note in notes if note is not None]

    def _texts(self) -> Pairs:
        names = self.load("name")
        notes = dict(self._notes())
        tags: dict[int, dict[str, Value]] = {}
        for run, name, got in self._rows(
            "SELECT c.run, k.name, c.value FROM key k JOIN cell c ON c.key = k.row"
            " WHERE k.name >= 'tags.' AND k.name < 'tags/'",
            "c.run",
        ):
            tags.setdefault(run, {})[text(name).removeprefix("tags.")] = value(got)
        return [
            (row, [*run_texts(str(name), _text(notes.get(row)), tags.get(row, {}))])
            for row, name in names
        ]


def _text(note: Value) -> str | None:
    return None if note is None else str(note)


def _values(rows: list[Any]) -> Pairs:
    """Return rows with their cells as values."""
    return [(row, value(got)) if type(got) is bytes else (row, got) for row, got in rows]
