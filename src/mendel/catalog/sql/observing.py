"""How far journals were taken in, which runs are open, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import Changes
from mendel.catalog.sql import ingest, run_rows
from mendel.graph.digest import Position
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.catalog.sql.dialect import Sqlite
    from mendel.graph.digest import WriterInfo

_CHOSEN = "IN (SELECT value FROM json_each(?))"


def positions(
    connection: Any, dialect: Sqlite, runs: Sequence[str | None] | None
) -> dict[str | None, dict[str, Position]]:
    """Return how far each writer's journal was taken in; the ledger stands under None."""
    statement = (
        "SELECT r.id, w.id, w.segment, w.place, w.ordinal FROM writer w JOIN run r ON r.row = w.run"
    )
    bound: tuple[str, ...] = ()
    if runs is not None:
        statement += f" WHERE r.id {_CHOSEN}"
        bound = (dialect.list(run or "" for run in runs),)
    out: dict[str | None, dict[str, Position]] = {}
    for run, writer, *position in connection.execute(statement, bound):
        out.setdefault(run or None, {})[writer] = Position(*position)
    return out


def observe(connection: Any, states: Mapping[str, RunState], now: int) -> None:
    """Note what was found out about runs that say they are RUNNING."""
    for run, state in states.items():
        row = run_rows.run_row(connection, run)
        if row is None or state not in {RunState.LOST, RunState.RUNNING}:
            continue
        story = run_rows.read_story(connection, row, run)
        if story.own_state is not RunState.RUNNING or story.state is state:
            continue
        story.observed = (story.last_word, state)
        told, marks = story.dump()
        connection.execute(
            "UPDATE document SET told = ?, marks = ? WHERE run = ?", (told, marks, row)
        )
        decided = run_rows.read_decided(connection, row)
        run_rows.rewrite_run(connection, row, story, decided, now)


def open_runs(connection: Any) -> dict[str, tuple[WriterInfo, ...]]:
    """Return the runs that are RUNNING or LOST, with their writers that did not close."""
    out: dict[str, list[WriterInfo]] = {}
    for run, info in connection.execute(
        "SELECT r.id, w.info FROM run r LEFT JOIN writer w ON w.run = r.row AND NOT w.closed"
        " WHERE r.state IN ('RUNNING', 'LOST') AND r.row > 0 ORDER BY r.row, w.id"
    ):
        out.setdefault(run, []).extend([] if info is None else [ingest.load_info(info)])
    return {run: tuple(infos) for run, infos in out.items()}


def last_seen(connection: Any, dialect: Sqlite, runs: Sequence[str]) -> dict[str, float]:
    """Return when the newest record of each run was written."""
    rows = connection.execute(
        f"SELECT id, seen FROM run WHERE seen IS NOT NULL AND row > 0 AND id {_CHOSEN}",
        (dialect.list(runs),),
    )
    return dict(rows.fetchall())


def changes(connection: Any, cursor: int) -> Changes:
    """Return what changed since a cursor."""
    now = connection.execute("SELECT now FROM clock").fetchone()[0]
    since = cursor if 0 <= cursor <= now else 0
    rows = connection.execute(
        "SELECT id, changed FROM run WHERE changed > ? AND row > 0"
        " UNION ALL SELECT id, changed FROM gone WHERE changed > ? ORDER BY changed, id",
        (since, since),
    )
    return Changes(tuple(row[0] for row in rows), now)
