"""``mendel du``: what takes the space of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mendel.cli.command import command
from mendel.cli.table import Cell, Heading
from mendel.cli.text import safe, size

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.track.upkeep.usage import Usage


@command(
    "du",
    examples=[
        ("mendel du", "by kind: journals, files, shared bytes, catalog"),
        ("mendel du --by run -n 10", "the ten largest runs"),
        ("mendel du --by experiment", "by experiment"),
    ],
    shape='{"by", "rows": [{"name", "id" (of a run), "runs", "bytes", "journal", "files"}, …], '
    '"total"}',
)
@click.option(
    "--by", type=click.Choice(["kind", "experiment", "run"]), default="kind", show_default=True,
    help="What a line stands for.",
)  # fmt: skip
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    show_default=True,
    help="At most so many.",
)
def command_(door: Door, by: str, limit: int) -> None:
    """Show what takes the space.

    Bytes are as the disk counts them. Shared bytes (artifacts, stored once) belong to no single
    run.
    """
    from mendel.track.upkeep.usage import usage

    store = door.fresh()
    found = usage(store)
    rows = _kinds(found) if by == "kind" else _members(door, found, by)
    rows.sort(key=lambda row: -row["bytes"])
    if door.out.as_json:
        door.out.data({"by": by, "rows": rows, "total": found.total})
        return
    headings = [Heading(by, stays=True), Heading("size", numeric=True, stays=True)]
    if by != "kind":
        headings += [Heading("journal", numeric=True), Heading("files", numeric=True)]
    if by == "experiment":
        headings.append(Heading("runs", numeric=True))
    cells = [_cells(row, by) for row in rows[:limit]]
    door.out.table(headings, cells)
    if len(rows) > limit:
        door.out.remark(f"{limit} of {len(rows):,}  (--limit N)")
    door.out.remark(f"{size(found.total)} in all in {safe(str(store.root))}")


def _kinds(found: Usage) -> list[dict[str, Any]]:
    kinds = {
        "journals": sum(r.journal for r in found.runs),
        "files of runs": sum(r.files for r in found.runs),
        "shared bytes": found.blobs,
        "catalog": found.catalog,
        "ledger": found.ledger,
        "other": found.other,
    }
    return [{"name": name, "bytes": taken} for name, taken in kinds.items()]


def _members(door: Door, found: Usage, by: str) -> list[dict[str, Any]]:
    ids = [r.run for r in found.runs]
    names, experiments = (
        [None if not v else str(v) for v in c.values]
        for c in door.store().catalog.columns(ids, ["name", "experiment"])
    )
    rows: dict[str, dict[str, Any]] = {}
    for run, name, experiment in zip(found.runs, names, experiments, strict=True):
        if by == "run":
            row = rows[run.run] = {"name": name or "(not in the catalog)", "id": run.run, "runs": 1}
            row |= {"bytes": 0, "journal": 0, "files": 0}
        else:
            start = {"name": experiment or "", "runs": 0, "bytes": 0, "journal": 0, "files": 0}
            row = rows.setdefault(experiment or "", start)
            row["runs"] += 1
        row["bytes"] += run.total
        row["journal"] += run.journal
        row["files"] += run.files
    return list(rows.values())


def _cells(row: dict[str, Any], by: str) -> list[Cell]:
    cells = [Cell(safe(row["name"])), Cell(size(row["bytes"]))]
    if by != "kind":
        cells += [Cell(size(row["journal"]), "dim"), Cell(size(row["files"]), "dim")]
    if by == "experiment":
        cells.append(Cell(f"{row['runs']:,}"))
    return cells
