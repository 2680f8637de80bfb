"""Writes runs out: open tables for every other tool, and the journals themselves for Mendel.

The layout stands in docs/reference/export.md. It is made in a folder beside and renamed at its end,
so an export that is there is whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import NodeQuery, RunQuery
from mendel.graph import clock
from mendel.graph.errors import AlreadyExistsError, MendelError
from mendel.graph.lineage import NodeKind
from mendel.graph.values import flatten
from mendel.track import place
from mendel.track.moving.copying import copy_journal, copy_run
from mendel.track.moving.tables import tables
from mendel.track.upkeep.gc import blobs_of
from mendel.track.upkeep.references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Decision
    from mendel.graph.lineage import Event, Node
    from mendel.graph.run import RunRecord, SeriesSummary
    from mendel.track.moving.tables import Tables
    from mendel.track.store import Store

MANIFEST = "export.json"
NATIVE = "store"  # the folder of an export that is a store by itself
FORMAT = 1
BATCH_RUNS = 200
BATCH_POINTS = 2_000_000
FACTS = ("classification", "media", "file", "alert")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the folder, runs, rows by table, bytes of runs and blobs, and problems."""

    folder: Path
    runs: int
    rows: dict[str, int]
    bytes: int
    kind: str
    problems: tuple[str, ...]


def export(
    store: Store,
    target: Path,
    runs: Sequence[str] | None = None,
    *,
    kind: str | None = None,
    native: bool = True,
    with_blobs: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write runs of a store into a folder that is made for it.

    Args:
        store: the store.
        target: the folder; it must not be there yet.
        runs: ids; None takes the whole store, its trash too.
        kind: ``parquet``, ``jsonl``, or None: Parquet where pyarrow is installed.
        native: write the journals and files too, so that `mendel import` can bring the runs back.
        with_blobs: write the bytes of artifacts too.
        progress: called with runs done and runs in all.

    Raises:
        AlreadyExistsError: the folder is there.
        MissingLibraryError: Parquet was asked for, and pyarrow is not installed.
    """
    if target.exists():
        raise AlreadyExistsError(f"{target} is there already. Name a folder that is not there yet.")
    store.refresh()
    whole = runs is None
    ids = store.catalog.find_runs(RunQuery(deleted=None, limit=None)).ids if runs is None else runs
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{clock.new_id()}.partial")
    beside.mkdir()
    try:
        work = _Export(store, beside, list(ids), whole=whole)
        work.write_tables(kind, progress)
        if native:
            work.write_native(with_blobs=with_blobs)
        work.write_manifest(native=native)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Exported(target, len(ids), work.rows, work.bytes, work.kind, tuple(work.problems))


class _Export:
    def __init__(self, store: Store, folder: Path, ids: list[str], *, whole: bool) -> None:
        self._store = store
        self._catalog = store.catalog
        self._folder = folder
        self._ids = ids
        self._whole = whole
        self._experiments: set[str] = set()
        self._nodes: dict[str, Node] = {}
        self.rows: dict[str, int] = {}
        self.kind = ""
        self.bytes = 0
        self.problems: list[str] = []

    def write_tables(self, kind: str | None, progress: Callable[[int, int], None] | None) -> None:
        """Write all tables."""
        out = tables(self._folder, kind)
        self.kind = out.suffix
        try:
            for first in range(0, len(self._ids), BATCH_RUNS):
                some = self._ids[first : first + BATCH_RUNS]
                found = self._catalog.get_runs(some)
                records = [found[i] for i in some if i in found]
                out.write("runs", [_run_row(r) for r in records])
                for done, record in enumerate(records, first + 1):
                    self._write_run(out, record)
                    if progress is not None:
                        progress(done, len(self._ids))
            self._write_graph(out)
        finally:
            out.close()
        self.rows = out.rows

    def _write_run(self, out: Tables, record: RunRecord) -> None:
        self._experiments.add(record.experiment_id)
        out.write("fields", list(_field_rows(record)))
        out.write("series", [_series_row(record.id, k, s) for k, s in record.series.items()])
        for keys in _key_batches(record):
            for series in self._catalog.series([record.id], keys):
                integral = series.values.dtype.kind in "ib"
                columns = {
                    "run": record.id, "key": series.key, "step": series.steps,
                    "time": series.times, "value": series.values.astype("float64"),
                    "integer": series.values.astype("int64") if integral else None,
                }  # fmt: skip
                out.columns("points", columns, len(series.steps))
        out.write(
            "values",
            [
                {"run": record.id, "key": v.key, "step": v.step, "time": v.time, "json": v.value}
                for v in self._catalog.series_values(record.id)
            ],
        )
        facts = self._catalog.facts(record.id, FACTS)
        out.write("facts", [{"run": record.id, "json": fact} for fact in facts])

    def _write_graph(self, out: Tables) -> None:
        catalog = self._catalog
        found = [
            e for e in catalog.experiments(deleted=None) if self._whole or e.id in self._experiments
        ]
        out.write("experiments", [{**asdict(e), "runs": e.run_count} for e in found])
        self._nodes = {n.id: n for n in (self._all_nodes() if self._whole else self._near_nodes())}
        out.write("nodes", [asdict(n) for n in self._nodes.values()])
        self._write_events(out)
        out.write("decisions", [_decision_row(d) for d in self._decisions()])

    def _write_events(self, out: Tables) -> None:
        seen: set[tuple[str, str, str, float]] = set()  # an event touches two nodes: met twice
        known = list({**dict.fromkeys(self._ids), **dict.fromkeys(self._nodes)})
        for first in range(0, len(known), BATCH_RUNS):
            events = self._catalog.events(known[first : first + BATCH_RUNS])
            fresh = {_event_key(e): e for e in events if _event_key(e) not in seen}
            seen |= fresh.keys()
            out.write("events", [asdict(e) for e in fresh.values()])

    def _all_nodes(self) -> Iterator[Node]:
        for kind in NodeKind:
            cursor: str | None = None
            while True:
                nodes, cursor = self._catalog.find_nodes(
                    NodeQuery(kind, limit=1000, cursor=cursor, order_by="create_time")
                )
                yield from nodes
                if cursor is None:
                    break

    def _near_nodes(self) -> Iterator[Node]:
        ids: dict[str, None] = {}
        for run in self._ids:
            inside = self._catalog.members(run)[0]
            ids |= dict.fromkeys(inside)
            ids |= dict.fromkeys(e.artifact for e in self._catalog.events([run, *inside]))
        yield from self._catalog.get_nodes(list(ids)).values()

    def _decisions(self) -> Iterator[Decision]:
        targets = {*self._ids, *self._experiments, *self._nodes}
        for decision in self._store.decisions.read():
            if self._whole or decision.target in targets:
                yield decision

    def write_native(self, *, with_blobs: bool) -> None:
        """Write a store: journals, files, decisions and bytes, without a catalog."""
        root = self._folder / NATIVE
        for an_id in self._ids:
            copied = copy_run(
                self._store.run_folder(an_id), root / "runs" / clock.day(an_id) / an_id
            )
            self.bytes += copied.bytes
            self.problems += copied.problems
        (root / "runs").mkdir(parents=True, exist_ok=True)
        ledger = copy_journal(self._store.journal_folder(None), root / "ledger" / "journal")
        self.bytes += ledger.bytes
        self.problems += ledger.problems
        marker = {"format": place.FORMAT, "id": clock.new_id(), "created": clock.iso(clock.now())}
        (root / place.MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")
        self._write_decisions(root / "decisions.jsonl")
        if with_blobs:
            self._write_blobs(root / "blobs")

    def _write_decisions(self, path: Path) -> None:
        from mendel.track.decisions import DecisionLog

        DecisionLog(path).append(list(self._decisions()))

    def _write_blobs(self, folder: Path) -> None:
        from mendel.blobs.disk import DiskBlobs

        mine, theirs = blobs_of(self._store), DiskBlobs(folder)
        wanted = references((n for n in self._nodes.values() if n.kind is NodeKind.ARTIFACT), mine)
        for sha in sorted(wanted.sha256s):
            try:
                found = mine.path(sha)
                self.bytes += theirs.put(mine.read(sha) if found is None else found).size
            except MendelError as error:
                self.problems.append(f"blob:sha256/{sha}: {error}")

    def write_manifest(self, *, native: bool) -> None:
        """Write what the export is, last."""
        told = {
            "format": FORMAT,
            "made": clock.iso(clock.now()),
            "store": str(self._store.root),
            "whole": self._whole,
            "runs": len(self._ids),
            "tables": {t: {"file": f"{t}.{self.kind}", "rows": n} for t, n in self.rows.items()},
            "native": NATIVE if native else None,
            "problems": self.problems,
        }
        text = json.dumps(told, indent=2, ensure_ascii=False)
        (self._folder / MANIFEST).write_text(
            text + "\n", encoding="utf-8", errors="backslashreplace"
        )


def _event_key(event: Event) -> tuple[str, str, str, float]:
    return (event.execution, event.artifact, str(event.kind), event.time)


def _run_row(record: RunRecord) -> dict[str, Any]:
    row = asdict(record)
    row["state"] = str(record.state)
    row["duration"] = record.duration
    row["alerts"], row["damage"] = list(record.alerts), list(record.damage)
    row["rewinds"] = [asdict(r) for r in record.rewinds]
    return row


def _field_rows(record: RunRecord) -> Iterator[dict[str, Any]]:
    for drawer, values in (
        ("params", record.params), ("metrics", record.metrics), ("tags", record.tags),
    ):  # fmt: skip
        for key, value in flatten(values):
            numeric = isinstance(value, int | float)
            yield {
                "run": record.id, "drawer": drawer, "key": key, "type": type(value).__name__,
                "number": _number(value) if numeric else None,
                "text": value if isinstance(value, str) else None, "json": value,
            }  # fmt: skip


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:  # an int beyond float64: json has it
        return None


def _series_row(run: str, key: str, series: SeriesSummary) -> dict[str, Any]:
    kind = "bool" if series.boolean else "int" if series.integral else "float"
    return {"run": run, "key": key, "type": kind, **asdict(series)}


def _decision_row(decision: Decision) -> dict[str, Any]:
    return asdict(decision)


def _key_batches(record: RunRecord) -> Iterator[list[str]]:
    batch: list[str] = []
    points = 0
    for key in sorted(record.series):
        batch.append(key)
        points += record.series[key].count
        if points >= BATCH_POINTS:
            yield batch
            batch, points = [], 0
    if batch:
        yield batch
