"""What of a run is not in its record: blocks of series, values at steps, facts kept whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mendel.catalog.contract import SeriesValue
from mendel.catalog.facts import KEPT
from mendel.catalog.sql import ingest_blocks, run_rows, runs
from mendel.catalog.sql.cell import text, value
from mendel.catalog.sql.story import Story
from mendel.graph.values import Value, loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.sql.dialect import Sqlite
    from mendel.graph.digest import Block
    from mendel.graph.run import Rewind


class SeriesBlocks(NamedTuple):
    """The blocks of one series, and what rewinds hid of its run."""

    run: str
    key: str
    blocks: list[Block]
    rewinds: tuple[Rewind, ...]


def blocks(
    connection: Any,
    dialect: Sqlite,
    ids: Sequence[str],
    keys: Sequence[str] | None,
    steps: ingest_blocks.Steps,
) -> list[SeriesBlocks]:
    """Return the blocks of series, in the order of runs, then keys (None: by name)."""
    rows = runs.rows_of(connection, dialect, ids)
    out: list[SeriesBlocks] = []
    for run in ids:
        if run not in rows:
            continue
        by_key: dict[str, list[Block]] = {}
        for block, hidden in ingest_blocks.read(connection, rows[run], run, steps=steps):
            for key in () if hidden == ingest_blocks.HIDDEN else block.keys:
                by_key.setdefault(key, []).append(block)
        rewinds = _rewinds(connection, rows[run], run) if by_key else ()
        wanted = sorted(by_key) if keys is None else [key for key in keys if key in by_key]
        out += [SeriesBlocks(run, key, by_key[key], rewinds) for key in wanted]
    return out


def _rewinds(connection: Any, row: int, run: str) -> tuple[Rewind, ...]:
    told = connection.execute("SELECT told FROM document WHERE run = ?", (row,)).fetchone()[0]
    if '"rewinds"' not in told:
        return ()
    return tuple(rewind for _, rewind in Story.load(run, told, None).rewinds)


def series_values(connection: Any, run: str, keys: Sequence[str] | None) -> list[SeriesValue]:
    """Return values of series that are no numbers, in the order of points."""
    row = run_rows.run_row(connection, run)
    if row is None:
        return []
    rewinds = _rewinds(connection, row, run)
    out = []
    for step, time, writer, ordinal, key, cell in connection.execute(
        "SELECT step, time, writer, ordinal, key, value FROM step_value WHERE run = ?"
        " ORDER BY step, time, writer, ordinal, key",
        (row,),
    ):
        hidden = any(step > r.step and ordinal < r.before.get(writer, 0) for r in rewinds)
        if not hidden and (keys is None or text(key) in keys):
            out.append(SeriesValue(text(key), step, time, value(cell)))
    return out


def facts(connection: Any, run: str, kinds: Sequence[str]) -> list[dict[str, Value]]:
    """Return facts that are kept whole, in order of time."""
    row = run_rows.run_row(connection, run)
    found: list[tuple[Any, ...]] = []
    for kind in {*kinds} & {*KEPT}:
        found += connection.execute(
            "SELECT time, writer, ordinal, kind, body FROM fact WHERE run = ? AND kind = ?",
            (row, kind),
        ).fetchall()
    out: list[dict[str, Value]] = []
    for time, _, _, kind, body in sorted(found):
        said: Any = loads(body)
        out.append({**said, "kind": kind, "time": time})
    return out
