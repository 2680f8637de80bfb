"""``mendel compare``: runs side by side, only what differs."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from mendel.cli.command import command, run_argument
from mendel.cli.table import Cell, Heading
from mendel.cli.text import counted, duration, number, safe, value_text
from mendel.graph.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.cli.command import Door
    from mendel.track.compare import Comparison
    from mendel.track.sides import Row
    from mendel.track.view import RunView

SIDE_BY_SIDE = 5  # of more runs each is a line, and what differs the columns
SECTIONS = ("run", "params", "metrics", "tags", "code", "environment", "data")


@command(
    "compare",
    examples=[
        ("mendel compare brave-fox calm-owl", "only what differs; * is the better"),
        ("mendel compare brave-fox calm-owl --code", "the difference in code too"),
        ("mendel runs -e flights -s -metrics.auc -n 4 --ids | mendel compare -", "the four best"),
        ("mendel compare a b c --baseline c --all --json", "everything, for programs"),
    ],
    shape='{"runs": [{"id", "name", "experiment", "state", "started", "duration"}], '
    '"baseline": id, "all", '
    '"run" | "params" | "metrics" | "tags" | "code" | "environment" | "data": [{"name", "differs", '
    '"values": {id: value}, and of a metric "goal", "deltas": {id: number}, "winners": [id]}], '
    '"same": {section: count}, "code_diff": text with --code}',
)
@run_argument(many=True)
@click.option(
    "--baseline", metavar="RUN", help="Deltas and diffs are told against it; else the first."
)
@click.option("--all", "every", is_flag=True, help="Also what does not differ.")
@click.option("--code", is_flag=True, help="Print the difference in code to the baseline.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, exact.")
def command_(
    door: Door,
    *,
    runs: tuple[str, ...],
    baseline: str | None,
    every: bool,
    code: bool,
    as_csv: bool,
) -> None:
    """Compare runs: only what differs.

    Params, metrics with their difference to the baseline, tags, code, environment and data. Values
    keep their types: 1 and "1" differ.
    """
    from mendel.track.compare import compare_in

    ids = door.run_ids(runs)
    found = compare_in(door.store(), ids, baseline=baseline, everything=every)
    if door.out.as_json:
        told = found.to_dict()
        if code:
            told["code_diff"] = _code(found)
        door.out.document(told)
    elif as_csv:
        from mendel.cli.columns import csv_cell

        rows = [[r.field, *(csv_cell(r.field, v) for v in r.values)] for r in found.rows]
        door.out.csv(["field", *(run.id for run in found.runs)], rows)
    else:
        _show(door, found)
        if code:
            for line in _code(found).split("\n"):
                door.out.line(Cell(safe(line, keep_lines=True), _diff_style(line)))


def _code(found: Comparison) -> str:
    texts = [found.code_diff(run) for i, run in enumerate(found.runs) if i != found.baseline]
    return "\n".join(text for text in texts if text)


def _diff_style(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "@@", "#")):
        return "bold"
    return {"+": "green", "-": "red"}.get(line[:1], "")


def titles(runs: Sequence[RunView]) -> list[str]:
    """Return names to head columns with; the end of the id tells runs of one name apart."""
    count = Counter(run.name for run in runs)
    return [safe(f"{r.name} ({r.id[-6:]})" if count[r.name] > 1 else r.name) for r in runs]


def _show(door: Door, found: Comparison) -> None:
    out, rows = door.out, found.rows
    if not rows:
        out.done(f"nothing differs between these {counted(len(found.runs), 'run')}  (--all)")
        return
    if len(found.runs) <= SIDE_BY_SIDE:
        heads = titles(found.runs)
        heads[found.baseline] += " (baseline)"
        headings = [Heading("field", stays=True), *(Heading(h, stays=True) for h in heads)]
        out.table(headings, [_side_by_side(row, found.baseline) for row in rows])
    else:
        headings = [Heading("run", stays=True), *(Heading(safe(r.field)) for r in rows)]
        lines = [
            [Cell(title), *(_cell(row, i, None) for row in rows)]
            for i, title in enumerate(titles(found.runs))
        ]
        out.table(headings, lines)
    same = len(found.all.rows) - len(rows)
    if same:
        out.remark(f"{counted(same, 'more field')} are the same, or minor  (--all)")


def _side_by_side(row: Row, baseline: int) -> list[Cell]:
    return [Cell(safe(row.field)), *(_cell(row, i, baseline) for i in range(len(row.values)))]


def _cell(row: Row, place: int, baseline: int | None) -> Cell:
    value = row.values[place]
    if value is MISSING:
        return Cell("–", "dim")
    text = _text(row, value)
    if baseline is not None and row.deltas and place != baseline:
        delta = row.deltas[place]
        text += "" if math.isnan(delta) else f" ({'+' if delta >= 0 else ''}{number(delta, 4)})"
    if row.differs and place in row.winners:
        return Cell(f"{text} *", "green")
    return Cell(text)


def _text(row: Row, value: Any) -> str:
    if row.field == "duration" and isinstance(value, int | float):
        return duration(value)
    return value_text(value)
