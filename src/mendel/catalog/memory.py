"""A catalog in memory: the model that every other one is compared with.

It keeps what it was given (facts, blocks, decisions) and works out every answer anew: simple enough
to be seen right, slow by design, good for tests.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from mendel.catalog import lineage, memory_run, nodes
from mendel.catalog.contract import (
    MISSING,
    Catalog,
    Changes,
    Column,
    Group,
    KeyInfo,
    LineageCatalog,
    RunPage,
    RunQuery,
    Series,
    SeriesValue,
)
from mendel.catalog.decisions import check, judge, understood
from mendel.catalog.memory_view import LEDGER, View, columns_of
from mendel.catalog.paging import page
from mendel.catalog.sheet import sheet
from mendel.graph.errors import InvalidError, NotFoundError, StateError, did_you_mean
from mendel.graph.lineage import Direction
from mendel.graph.query import parse_field, parse_order
from mendel.graph.query_order import as_number, group_items, sort_items
from mendel.graph.query_run import run_value
from mendel.graph.query_tree import OrderTerm
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.catalog.contract import Blocks, Decision, Ledger, NodeQuery
    from mendel.graph.digest import Digest, Position, WriterInfo
    from mendel.graph.lineage import Event, Node, Subgraph
    from mendel.graph.run import ExperimentRecord, RunRecord
    from mendel.graph.values import Missing, Value


class _Closed:
    """What is left to look at in a closed catalog."""

    def __getattr__(self, name: str) -> None:
        raise StateError("the catalog is closed; open the store again.")


class _MemoryLineage(LineageCatalog):
    _view: View
    _lock: threading.RLock

    def get_nodes(self, ids: Sequence[str]) -> dict[str, Node]:
        with self._lock:
            nodes = self._view.nodes()
            return {node: nodes[node] for node in ids if node in nodes}

    def find_nodes(self, query: NodeQuery) -> tuple[list[Node], str | None]:
        with self._lock:
            view = self._view
            graph = view.graph()
            found = nodes.Search(query).find(
                [n for n in graph.nodes().values() if n.kind is query.kind],
                nodes.Pairs(graph.held(), graph.children),
            )
            return page(
                found, query.limit, query.cursor, lambda n: n.id, [query.filter, query.order_by]
            )

    def events(self, nodes: Sequence[str]) -> list[Event]:
        with self._lock:
            wanted = set(nodes)
            all_events = self._view.graph().events.values()
            touching = [e for e in all_events if e.execution in wanted or e.artifact in wanted]
            return sorted(touching, key=lineage.event_order)

    def lineage(
        self, node: str, direction: Direction, *, hops: int | None = None, limit: int | None = None
    ) -> Subgraph:
        with self._lock:
            return self._view.lineage(node, Direction(direction), hops, limit)

    def members(self, context: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        with self._lock:
            return self._view.members(context)


class MemoryCatalog(_MemoryLineage, Catalog):
    """See the top of this file. ``ledger=None`` keeps decisions nowhere else."""

    def __init__(self, blocks: Blocks, ledger: Ledger | None = None) -> None:
        self._view = View(blocks)
        self._ledger = ledger
        self._lock = threading.RLock()

    def positions(
        self, runs: Sequence[str | None] | None = None
    ) -> dict[str | None, dict[str, Position]]:
        with self._lock:
            known = self._view.runs
            ids = list(known) if runs is None else [LEDGER if r is None else r for r in runs]
            return {
                i or None: {w: writer.position for w, writer in known[i].writers.items()}
                for i in ids
                if i in known
            }

    def ingest(self, digests: Sequence[Digest]) -> None:
        with self._lock:
            view = self._view
            before = view.places()
            touched = {view.take(digest) for digest in digests}
            after = view.places()
            moved = {run for run, place in after.items() if before.get(run) != place}
            view.touch({run for run in touched if run} | moved)

    def observe(self, states: Mapping[str, RunState]) -> None:
        with self._lock:
            view = self._view
            for run_id, state in states.items():
                run = view.runs.get(run_id)
                if run is None:
                    continue
                told = memory_run.tell(run)
                if told.state is RunState.RUNNING and state in {RunState.LOST, RunState.RUNNING}:
                    run.observed = (told.said, state)
                    view.touch([run_id])

    def open_runs(self) -> dict[str, tuple[WriterInfo, ...]]:
        with self._lock:
            return {
                run.id: tuple(w.info for _, w in sorted(run.writers.items()) if not w.closed)
                for run in self._view.real_runs()
                if memory_run.state_of(run, memory_run.tell(run))
                in {RunState.RUNNING, RunState.LOST}
            }

    def last_seen(self, runs: Sequence[str]) -> dict[str, float]:
        with self._lock:
            known = self._view.runs
            seen = {run: known[run].last_seen() for run in runs if run in known}
            return {run: time for run, time in seen.items() if time is not None}

    def find_runs(self, query: RunQuery) -> RunPage:
        with self._lock:
            order = (
                *parse_order(query.order_by),
                OrderTerm("created", descending=True),
                OrderTerm("id"),
            )
            view = self._view
            found = sort_items(view.matching(query), order, view.value)
            shown, cursor = page(
                found, query.limit, query.cursor, lambda r: r.id, [query.filter, query.order_by]
            )
            return RunPage(tuple(run.id for run in shown), len(found), cursor)

    def get_runs(self, ids: Sequence[str]) -> dict[str, RunRecord]:
        with self._lock:
            records = self._view.records()
            return {run: records[run] for run in ids if run in records}

    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        with self._lock:
            view = self._view
            records, out = view.records(), []
            for name in names:
                field = parse_field(name)
                values = (view.value(records[i], field) if i in records else MISSING for i in ids)
                out.append(Column(name, tuple(values)))
            return out

    def sheet(self, ids: Sequence[str], drawers: Sequence[str]) -> list[Column]:
        with self._lock:
            return sheet(self._view.records(), ids, drawers)

    def keys(
        self,
        query: RunQuery | None = None,
        *,
        containing: str = "",
        prefix: str = "",
        limit: int | None = None,
    ) -> list[KeyInfo]:
        with self._lock:
            view = self._view
            seen: dict[str, list[str]] = {}
            for run in view.matching(query or RunQuery()):
                for name in columns_of(run):
                    seen.setdefault(name, []).append(type(run_value(run, name)).__name__)
            return [
                KeyInfo(name, len(types), tuple(sorted(set(types))))
                for name, types in sorted(seen.items())
                if name.startswith(prefix) and containing.casefold() in name.casefold()
            ][:limit]

    def group(self, query: RunQuery, by: Sequence[str], fields: Sequence[str]) -> list[Group]:
        with self._lock:
            view = self._view
            names = [parse_field(name) for name in by]
            return [
                Group(
                    values,
                    len(runs),
                    {f: _stats([view.value(r, parse_field(f)) for r in runs]) for f in fields},
                )
                for values, runs in group_items(view.matching(query), names, view.value)
            ]

    def series(
        self,
        runs: Sequence[str],
        keys: Sequence[str] | None = None,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> list[Series]:
        if buckets is not None and buckets < 1:
            raise InvalidError(f"buckets is {buckets}; give 1 or more, or None for every point.")
        with self._lock:
            view = self._view
            out: list[Series] = []
            for run in runs:
                points = view.points(run)
                for key in points if keys is None else keys:
                    found = memory_run.series(run, key, points.get(key, []), buckets, steps)
                    out += [] if found is None else [found]
            return out

    def series_values(self, run: str, keys: Sequence[str] | None = None) -> list[SeriesValue]:
        with self._lock:
            known = self._view.runs.get(run)
            return (
                []
                if known is None
                else memory_run.series_values(known, memory_run.tell(known), keys)
            )

    def facts(self, run: str, kinds: Sequence[str]) -> list[dict[str, Value]]:
        with self._lock:
            known = self._view.runs.get(run)
            return [] if known is None else memory_run.kept(known, kinds)

    def experiments(self, *, deleted: bool | None = False) -> list[ExperimentRecord]:
        with self._lock:
            records = self._view.experiment_records()
            return [e for e in records if deleted is None or (e.deleted is not None) is deleted]

    def get_experiment(self, id_or_name: str) -> ExperimentRecord:
        with self._lock:
            view = self._view
            who = view.experiments()
            known = who.by_id.get(id_or_name) or who.by_name.get(id_or_name)
            if known is None or known.deleted is not None:
                near = did_you_mean(id_or_name, who.by_name)
                raise NotFoundError(f"no experiment {id_or_name!r}{near}.")
            return next(e for e in view.experiment_records() if e.id == known.id)

    def decide(self, decisions: Sequence[Decision]) -> None:
        with self._lock:
            view = self._view
            before = list(view.decisions), dict(view.runs), dict(view.changed)
            fresh: list[Decision] = []
            try:
                for decision in decisions:
                    if decision.id not in {d.id for d in view.decisions}:
                        check(decision)
                        judge(decision, view)
                        view.decide(decision)
                        fresh.append(decision)
                if fresh and self._ledger is not None:
                    self._ledger.append(fresh)
            except BaseException:
                view.decisions, view.runs, view.changed = before
                raise

    def replay(self, decisions: Sequence[Decision]) -> None:
        with self._lock:
            view = self._view
            for decision in decisions:
                if decision.id not in {d.id for d in view.decisions} and understood(decision):
                    view.decide(decision)

    def changes(self, cursor: int) -> Changes:
        with self._lock:
            view = self._view
            since = cursor if 0 <= cursor <= view.clock else 0
            changed = sorted((at, run) for run, at in view.changed.items() if at > since)
            return Changes(tuple(run for _, run in changed), view.clock)

    def close(self) -> None:
        self._view = _Closed()  # type: ignore[assignment]


def _stats(values: Sequence[Value | Missing]) -> tuple[int, float, float, float, float]:
    """Return (n, mean, sample deviation, min, max) of the numbers among values."""
    numbers = [n for n in map(as_number, values) if n is not None]
    if not numbers:
        return 0, math.nan, math.nan, math.nan, math.nan
    mean = sum(numbers) / len(numbers)
    deviation = math.nan
    if len(numbers) > 1:
        deviation = math.sqrt(sum((n - mean) ** 2 for n in numbers) / (len(numbers) - 1))
    return len(numbers), mean, deviation, min(numbers), max(numbers)
