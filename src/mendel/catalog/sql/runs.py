"""Runs told whole, and their columns as the column engine wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.decisions import RunDecisions
from mendel.catalog.sql import experiment_rows, summing
from mendel.catalog.sql.cell import text
from mendel.catalog.sql.story import Story, load_decided
from mendel.graph.run import RunRecord
from mendel.graph.values import Value, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mendel.catalog.sql.dialect import Sqlite
    from mendel.graph.run import SeriesSummary

_CHUNK = 500  # runs told at once
_SUM_COLUMNS = ", ".join(f"s.{column}" for column in summing.COLUMNS)


def rows_of(connection: Any, dialect: Sqlite, ids: Iterable[str]) -> dict[str, int]:
    """Return the rows of runs that are there."""
    rows = connection.execute(
        "SELECT id, row FROM run WHERE row > 0 AND id IN (SELECT value FROM json_each(?))",
        (dialect.list(ids),),
    )
    return dict(rows.fetchall())


def read(connection: Any, dialect: Sqlite, ids: Sequence[str]) -> dict[str, RunRecord]:
    """Return runs, whole, in the order asked for."""
    rows = rows_of(connection, dialect, ids)
    wanted = [rows[run] for run in dict.fromkeys(ids) if run in rows]
    places = experiment_rows.places(connection) if wanted else {}
    out: dict[str, RunRecord] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        told = _Reading(connection, dialect.list(part), places)
        out |= {record.id: record for record in map(told.record, part)}
    return out


class _Reading:
    """All tables' rows of some runs."""

    def __init__(
        self, connection: Any, chosen: str, places: Mapping[int, experiment_rows.Place]
    ) -> None:
        self._places = places
        self._runs = {
            row[0]: row[1:]
            for row in connection.execute(
                "SELECT r.row, r.id, r.name, r.experiment, r.seen, r.updated, d.told, o.body"
                " FROM run r JOIN document d ON d.run = r.row"
                " LEFT JOIN decided o ON o.run = r.row"
                " WHERE r.row IN (SELECT value FROM json_each(?))",
                (chosen,),
            )
        }
        self._series = _series(connection, chosen)
        self._captures = _captures(connection, chosen)
        self._alerts = _alerts(connection, chosen)

    def record(self, row: int) -> RunRecord:
        an_id, name, experiment, _, updated, told, decided_text = self._runs[row]
        story = Story.load(an_id, told, None)
        decided = RunDecisions() if decided_text is None else load_decided(decided_text)
        place = self._places.get(experiment, ("", "", None))
        said = story.said
        return RunRecord(
            id=an_id,
            name=text(name),
            experiment_id=place[0],
            experiment=place[1],
            state=story.state,
            created=story.born,
            started=story.started,
            ended=story.ended,
            updated=updated,
            user=story.text("user"),
            host=story.text("host"),
            parent=story.text("parent"),
            group=story.text("group"),
            job_type=story.text("job_type"),
            params=said.values("params"),
            metrics=said.values("metrics"),
            series=self._series.get(row, {}),
            tags=decided.over(said.values("tags")),
            definitions=story.definitions(),
            rewinds=tuple(rewind for _, rewind in story.rewinds),
            capture=self._captures.get(row, {}),
            note=decided.note,
            pinned=decided.pinned,
            archived=decided.archived,
            deleted=place[2] if decided.deleted is None else decided.deleted,
            end=story.end,
            alerts=tuple(self._alerts.get(row, ())),
            lost_points=story.lost_points,
            damage=tuple(sorted(story.damage)),
        )


def _series(connection: Any, chosen: str) -> dict[int, dict[str, SeriesSummary]]:
    out: dict[int, dict[str, SeriesSummary]] = {}
    rows = connection.execute(
        f"SELECT s.run, k.name, {_SUM_COLUMNS} FROM series s JOIN key k ON k.row = s.key"
        " WHERE s.run IN (SELECT value FROM json_each(?)) ORDER BY k.name",
        (chosen,),
    )
    for row in rows:
        key = text(row[1]).removeprefix("metrics.")
        out.setdefault(row[0], {})[key] = summing.summary(row[2:])
    return out


def _captures(connection: Any, chosen: str) -> dict[int, dict[str, Value]]:
    out: dict[int, dict[str, Value]] = {}
    for run, what, body in connection.execute(
        "SELECT run, what, body FROM capture WHERE run IN (SELECT value FROM json_each(?))"
        " ORDER BY what",
        (chosen,),
    ):
        out.setdefault(run, {})[text(what)] = loads(body)
    return out


def _alerts(connection: Any, chosen: str) -> dict[int, list[dict[str, Value]]]:
    out: dict[int, list[dict[str, Value]]] = {}
    for run, time, body in connection.execute(
        "SELECT run, time, body FROM fact WHERE kind = 'alert'"
        " AND run IN (SELECT value FROM json_each(?)) ORDER BY run, time, writer, ordinal",
        (chosen,),
    ):
        fact: Any = loads(body)
        out.setdefault(run, []).append({**fact, "kind": "alert", "time": time})
    return out
