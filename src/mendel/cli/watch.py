"""``mendel watch``: a run while it runs; only what changed is read again."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import click

from mendel.cli.columns import MACHINE, STATE_STYLES
from mendel.cli.command import command, run_argument
from mendel.cli.plot import spark
from mendel.cli.shape import last_value, run_json
from mendel.cli.table import Cell, Heading, lay_out
from mendel.cli.text import duration, number, safe, value_text
from mendel.graph.clock import now
from mendel.graph.errors import CorruptError, NotFoundError
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.cli.command import Door
    from mendel.graph.run import RunRecord

SPARK, SPARK_BUCKETS = 24, 48


@command(
    "watch",
    examples=[
        ("mendel watch", "the newest run that is running"),
        ("mendel watch brave-fox --interval 5", "look every five seconds"),
        ("mendel watch brave-fox --json", "a line of JSON at every change, for programs"),
    ],
    shape="a line at every change: RUN",
)
@run_argument(required=False)
@click.option(
    "-i", "--interval", type=click.FloatRange(0.05), default=1.0, show_default=True,
    metavar="SECONDS", help="How often to look.",
)  # fmt: skip
def command_(door: Door, run: str | None, interval: float) -> int:
    """Follow a run while it runs.

    Ends when the run ends: with 0 if it is COMPLETE, with 1 if not. Ctrl-C stops watching; the run
    goes on.
    """
    an_id = door.run_ids([run])[0] if run else _newest(door)
    screen = _Screen(door)
    last: RunRecord | None = None
    for record in follow(door, an_id, interval, screen):
        last = record
        screen.show(record)
    return 0 if last is not None and str(last.state) == "COMPLETE" else 1


def _newest(door: Door) -> str:
    found = door.fresh().catalog.find_runs(RunQuery(filter="state = 'RUNNING'", limit=1)).ids
    if not found:
        raise NotFoundError("no run is running. Name one, or see: mendel runs")
    return found[0]


def follow(door: Door, run: str, interval: float, screen: _Screen) -> Iterator[RunRecord]:
    """Yield the run at every change until it ended."""
    store = door.store()
    cursor = 0
    while True:
        store.refresh([run])
        changes = store.catalog.changes(cursor)
        if cursor == 0 or run in changes.runs:
            found = store.catalog.get_runs([run])
            if run not in found:
                raise NotFoundError(f"run {run} is no longer in the store.")
            record = found[run]
            yield record
            if record.state.ended or str(record.state) == "LOST":
                return
        else:
            screen.tick()
        cursor = changes.cursor
        time.sleep(interval)


class _Screen:
    """What is shown: a page that is redrawn on a terminal, else a line at every change."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._drawn = 0
        self._record: RunRecord | None = None
        self._rows: list[list[Cell]] = []

    def show(self, record: RunRecord) -> None:
        """Show a run that changed."""
        out = self._door.out
        self._record = record
        if out.as_json:
            out.data_line(run_json(record))
        elif out.terminal:
            self._rows = self._table(record)
            self.tick()
        else:
            values = "  ".join(f"{safe(k)}={_last(record, k)}" for k in _keys(record)[:8])
            out.line(f"{safe(record.name)}  {record.state}  {_running(record)}  {values}".rstrip())

    def tick(self) -> None:
        """Draw again: the clock went on, though nothing changed."""
        out = self._door.out
        if out.as_json or not out.terminal or self._record is None:
            return
        record = self._record
        head = [
            Cell(safe(record.name), "bold"),
            Cell("  "),
            Cell(str(record.state), STATE_STYLES.get(str(record.state), "")),
            Cell(f"  {safe(record.experiment)}  {_running(record)}", "dim"),
        ]
        self._drawn = out.redraw([head, *self._rows], self._drawn)

    def _table(self, record: RunRecord) -> list[list[Cell]]:
        keys = _keys(record)
        catalog = self._door.store().catalog
        shapes: dict[str, Any] = {}
        with contextlib.suppress(CorruptError, NotFoundError):  # `mendel show` says what it is
            for s in catalog.series([record.id], keys, buckets=SPARK_BUCKETS):
                shapes[s.key] = spark(s.values.tolist(), SPARK)
        rows = [
            [
                Cell(safe(k)),
                Cell(_last(record, k)),
                Cell(str(record.series[k].last_step)),
                Cell(shapes.get(k, ""), "cyan"),
            ]
            for k in keys
        ]
        headings = [
            Heading("metric", stays=True),
            Heading("last", numeric=True, stays=True),
            Heading("step", numeric=True),
            Heading("shape"),
        ]
        return lay_out(headings, rows, self._door.out.width).lines if rows else []


def _keys(record: RunRecord) -> list[str]:
    own = sorted(k for k in record.series if not k.startswith(MACHINE))
    return own + sorted(k for k in record.series if k.startswith(MACHINE))


def _last(record: RunRecord, key: str) -> str:
    value = last_value(record.series[key])
    return number(value) if isinstance(value, bool | int | float) else value_text(value)


def _running(record: RunRecord) -> str:
    if record.duration is not None:
        return duration(record.duration)
    return duration(max(0.0, now() - (record.started or record.created)))
