"""The rows of one run that both facts and decisions write: run, cells, decided, document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.decisions import RunDecisions
from mendel.catalog.sql.cell import cell, optional, text_cell
from mendel.catalog.sql.story import Story, dump_decided, leaves, load_decided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mendel.catalog.sql.names import Interner
    from mendel.graph.values import Value


def cells_of(story: Story, decided: RunDecisions, drawers: Iterable[str]) -> dict[str, Value]:
    """Return the leaves of a run's drawers by full name."""
    out: dict[str, Value] = {}
    for drawer in drawers:
        tree = story.said.values(drawer)
        if drawer == "tags":
            tree = decided.over(tree)
        out |= {f"{drawer}.{name}": value for name, value in leaves(tree).items()}
    return out


def put_cells(
    connection: Any,
    names: Interner,
    row: int,
    before: Mapping[str, Value],
    after: Mapping[str, Value],
) -> None:
    """Bring a run's cells from what they were to what they are."""
    new = [
        (names.row(connection, name), row, cell(value))
        for name, value in after.items()
        if name not in before or cell(before[name]) != cell(value)
    ]
    gone = [(names.row(connection, name), row) for name in before if name not in after]
    if new:
        connection.executemany(
            "INSERT INTO cell (key, run, value) VALUES (?, ?, ?)"
            " ON CONFLICT (key, run) DO UPDATE SET value = excluded.value",
            new,
        )
    if gone:
        connection.executemany("DELETE FROM cell WHERE key = ? AND run = ?", gone)


RUN_COLUMNS = (
    "changed", "name", "experiment", "state", "created", "started", "ended", "seen", "updated",
    "parent", "cohort", "job_type", "user", "host", "lost_points", "pinned", "archived", "deleted",
)  # fmt: skip
_INSERT_RUN = (
    f"INSERT INTO run ({', '.join(RUN_COLUMNS)}, id, row)"
    f" VALUES ({', '.join('?' * (len(RUN_COLUMNS) + 2))}) RETURNING row"
)
_UPDATE_RUN = f"UPDATE run SET {', '.join(f'{c} = ?' for c in RUN_COLUMNS)} WHERE row = ?"


def run_columns(
    story: Story, decided: RunDecisions, seen: float | None, experiment: int | None, now: int
) -> tuple[Any, ...]:
    """Return the values of `RUN_COLUMNS`."""
    times = [t for t in (seen, decided.updated) if t is not None]
    return (
        now,
        text_cell(decided.name or story.text("name") or story.id),
        experiment,
        story.state.value,
        story.born,
        story.started,
        story.ended,
        seen,
        max(times, default=None),
        optional(story.text("parent")),
        optional(story.text("group")),
        optional(story.text("job_type")),
        optional(story.text("user")),
        optional(story.text("host")),
        story.lost_points,
        decided.pinned,
        decided.archived,
        decided.deleted,
    )


def put_run(connection: Any, run: str, row: int | None, columns: tuple[Any, ...]) -> int:
    """Write the row of a run; return its number."""
    if row is not None:
        connection.execute(_UPDATE_RUN, (*columns, row))
        return row
    # A purged run that comes back gets the row it had, unless another run has it by now: so whoever
    # keeps columns by row in memory learns of the change, though the word that it had gone is lost.
    got = connection.execute(
        "DELETE FROM gone WHERE id = ? RETURNING CASE WHEN row IN"
        " (SELECT row FROM run) THEN NULL ELSE row END",
        (run,),
    ).fetchone()
    again = None if got is None else got[0]
    return int(connection.execute(_INSERT_RUN, (*columns, run, again)).fetchone()[0])


def put_decided(connection: Any, row: int, decided: RunDecisions) -> None:
    """Write what people decided about a run."""
    connection.execute(
        "INSERT INTO decided (run, body) VALUES (?, ?)"
        " ON CONFLICT (run) DO UPDATE SET body = excluded.body",
        (row, dump_decided(decided)),
    )


def run_row(connection: Any, run: str) -> int | None:
    """Return the row of a run."""
    got = connection.execute("SELECT row FROM run WHERE id = ? AND row > 0", (run,)).fetchone()
    return None if got is None else int(got[0])


def read_story(connection: Any, row: int, run: str) -> Story:
    """Return what a run said."""
    told, marks = connection.execute(
        "SELECT told, marks FROM document WHERE run = ?", (row,)
    ).fetchone()
    return Story.load(run, told, marks)


def read_decided(connection: Any, row: int) -> RunDecisions:
    """Return what was decided about a run."""
    got = connection.execute("SELECT body FROM decided WHERE run = ?", (row,)).fetchone()
    return RunDecisions() if got is None else load_decided(got[0])


def rewrite_run(connection: Any, row: int, story: Story, decided: RunDecisions, now: int) -> None:
    """Write the row of a run that is there anew."""
    seen, experiment = connection.execute(
        "SELECT seen, experiment FROM run WHERE row = ?", (row,)
    ).fetchone()
    put_run(connection, story.id, row, run_columns(story, decided, seen, experiment, now))
