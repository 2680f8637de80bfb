"""The catalog in an SQL database; today that is SQLite, in one file of the store.

The methods are the contract's; what they do stands in the other files of this drawer. What only
reads and decides is loaded when somebody does, NumPy among it: the end of a run must not wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.catalog.contract import (
    Catalog,
    Changes,
    Column,
    Group,
    KeyInfo,
    RunPage,
    RunQuery,
    Series,
    SeriesValue,
)
from mendel.catalog.sql import ingest, observing
from mendel.catalog.sql.database import Database
from mendel.catalog.sql.dialect import Sqlite
from mendel.catalog.sql.lazy import LazyTable
from mendel.catalog.sql.lineage import SqlLineage
from mendel.graph.errors import InvalidError, NotFoundError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Blocks, Decision, Ledger
    from mendel.graph.digest import Digest, Position, WriterInfo
    from mendel.graph.run import ExperimentRecord, RunRecord, RunState
    from mendel.graph.values import Value


class SqlCatalog(SqlLineage, Catalog):
    """See the top of this file.

    Args:
        path: the database's file; it is made where there is none.
        blocks: reads the points of series.
        ledger: where decisions are kept beside the catalog; None keeps them nowhere else.

    Raises:
        NewerStoreError: the file was written by a newer Mendel.
        ReadOnlyError: it must be made or migrated, and cannot be written.
        StoreError: it is damaged, busy, or no catalog.
    """

    def __init__(self, path: Path, blocks: Blocks, ledger: Ledger | None = None) -> None:
        self._dialect = Sqlite(path)
        self._database = Database(self._dialect)
        self._blocks = blocks
        self._ledger = ledger
        self._table = LazyTable(self._database)

    # -- what happened --

    def positions(
        self, runs: Sequence[str | None] | None = None
    ) -> dict[str | None, dict[str, Position]]:
        with self._database.reading() as connection:
            return observing.positions(connection, self._dialect, runs)

    def ingest(self, digests: Sequence[Digest]) -> None:
        with self._database.writing() as (connection, now):
            ingest.Ingest(connection, self._blocks, self._database.names, now).take(digests)

    def observe(self, states: Mapping[str, RunState]) -> None:
        with self._database.writing() as (connection, now):
            observing.observe(connection, states, now)

    def open_runs(self) -> dict[str, tuple[WriterInfo, ...]]:
        with self._database.reading() as connection:
            return observing.open_runs(connection)

    def last_seen(self, runs: Sequence[str]) -> dict[str, float]:
        with self._database.reading() as connection:
            return observing.last_seen(connection, self._dialect, runs)

    # -- finding runs --

    def find_runs(self, query: RunQuery) -> RunPage:
        if query.limit is not None and query.limit < 0:
            raise InvalidError(f"limit is {query.limit}; give 0 or more, or None for all.")
        return self._table.get().engine.find(query)

    def get_runs(self, ids: Sequence[str]) -> dict[str, RunRecord]:
        from mendel.catalog.sql import runs

        with self._database.reading() as connection:
            return runs.read(connection, self._dialect, ids)

    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        return self._table.get().columns(ids, names)

    def sheet(self, ids: Sequence[str], drawers: Sequence[str]) -> list[Column]:
        from mendel.catalog.sql import wide

        with self._database.reading() as connection:
            return wide.read(connection, self._dialect, ids, drawers)

    def keys(
        self,
        query: RunQuery | None = None,
        *,
        containing: str = "",
        prefix: str = "",
        limit: int | None = None,
    ) -> list[KeyInfo]:
        found = self._table.get().keys(query or RunQuery())
        wanted = containing.casefold()
        return [
            key for key in found if key.name.startswith(prefix) and wanted in key.name.casefold()
        ][:limit]

    def group(self, query: RunQuery, by: Sequence[str], fields: Sequence[str]) -> list[Group]:
        return self._table.get().engine.group(query, by, fields)

    def series(
        self,
        runs: Sequence[str],
        keys: Sequence[str] | None = None,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> list[Series]:
        from mendel.catalog.sql import run_parts

        if buckets is not None and buckets < 1:
            raise InvalidError(f"buckets is {buckets}; give 1 or more, or None for every point.")
        with self._database.reading() as connection:
            found = run_parts.blocks(connection, self._dialect, runs, keys, steps)
        from mendel.catalog import downsample

        out = (
            downsample.series(
                one.run,
                one.key,
                one.blocks,
                self._blocks,
                rewinds=one.rewinds,
                buckets=buckets,
                steps=steps,
            )
            for one in found
        )
        return [series for series in out if series is not None]

    def series_values(self, run: str, keys: Sequence[str] | None = None) -> list[SeriesValue]:
        from mendel.catalog.sql import run_parts

        with self._database.reading() as connection:
            return run_parts.series_values(connection, run, keys)

    def facts(self, run: str, kinds: Sequence[str]) -> list[dict[str, Value]]:
        from mendel.catalog.sql import run_parts

        with self._database.reading() as connection:
            return run_parts.facts(connection, run, kinds)

    # -- experiments --

    def experiments(self, *, deleted: bool | None = False) -> list[ExperimentRecord]:
        from mendel.catalog.sql import experiment_rows

        with self._database.reading() as connection:
            found = experiment_rows.records(connection)
        return [e for e in found if deleted is None or (e.deleted is not None) is deleted]

    def get_experiment(self, id_or_name: str) -> ExperimentRecord:
        from mendel.catalog.sql import experiment_rows

        with self._database.reading() as connection:
            who, _ = experiment_rows.read(connection)
            known = who.by_id.get(id_or_name) or who.by_name.get(id_or_name)
            if known is None or known.deleted is not None:
                near = did_you_mean(id_or_name, who.by_name)
                raise NotFoundError(f"no experiment {id_or_name!r}{near}.")
            return next(e for e in experiment_rows.records(connection) if e.id == known.id)

    # -- deciding and living --

    def decide(self, decisions: Sequence[Decision]) -> None:
        from mendel.catalog.sql import decide

        with self._database.writing(durable=True) as (connection, now):
            fresh = decide.Decider(connection, self._database.names, now).take(decisions)
            if fresh and self._ledger is not None:
                self._ledger.append(fresh)
        if any(decision.what == "purge_run" for decision in fresh):
            self._database.give_back()

    def replay(self, decisions: Sequence[Decision]) -> None:
        from mendel.catalog.sql import decide

        with self._database.writing() as (connection, now):
            decide.Decider(connection, self._database.names, now).replay(decisions)

    def changes(self, cursor: int) -> Changes:
        with self._database.reading() as connection:
            return observing.changes(connection, cursor)

    def close(self) -> None:
        self._database.close()
