"""``mendel export``: runs as open tables and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, complete_run
from mendel.cli.text import counted, safe, size
from mendel.graph.errors import InvalidError
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.track.moving.export import Exported


@command(
    "export",
    examples=[
        ("mendel export backup-2026-11", "the whole store"),
        ("mendel export best -f 'metrics.auc > 0.9'", "the runs that match"),
        ("mendel export table --tables-only --format jsonl", "only tables, as JSON Lines"),
        (
            "duckdb -c \"select name, params->>'lr' from 'backup-2026-11/runs.parquet'\"",
            "the tables are for every tool",
        ),
    ],
    shape='{"folder", "runs": count, "format": "parquet" or "jsonl", "tables": {name: rows}, '
    '"bytes", "problems": […]}',
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, metavar="[RUN]…", shell_complete=complete_run)
@click.option("-f", "--filter", "text", default="", metavar="QUERY", help="Only runs that match.")
@click.option(
    "-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only its runs."
)
@click.option(
    "--format", "kind", type=click.Choice(["parquet", "jsonl"]),
    help="Of the tables; Parquet where pyarrow is installed (mendel[arrow]), else JSON Lines.",
)  # fmt: skip
@click.option("--tables-only", is_flag=True, help="Without journals: import cannot bring it back.")
@click.option("--no-blobs", is_flag=True, help="Without the bytes of artifacts.")
def command_(
    door: Door,
    *,
    folder: Path,
    runs: tuple[str, ...],
    text: str,
    experiments: tuple[str, ...],
    kind: str | None,
    tables_only: bool,
    no_blobs: bool,
) -> int:
    """Write runs as open tables and files.

    FOLDER is made; it holds tables (runs, points, lineage, decisions …) for every tool, and a store
    with the journals, files and bytes, from which mendel import brings the runs back, exactly.
    Without runs, --filter or --experiment it is the whole store. docs/reference/export.md tells the
    layout.
    """
    from mendel.track.moving.export import export

    ids = _chosen(door, runs, RunQuery(filter=text, experiments=experiments or None, limit=None))
    with door.out.progress("exporting") as show:
        done = export(
            door.store(), folder, ids, kind=kind, native=not tables_only,
            with_blobs=not no_blobs, progress=show,
        )  # fmt: skip
    _tell(door, done)
    return 1 if done.problems else 0


def _chosen(door: Door, runs: tuple[str, ...], query: RunQuery) -> list[str] | None:
    """Return the ids of the runs meant; None is the whole store."""
    asked = bool(query.filter or query.experiments)
    if runs and asked:
        raise InvalidError("name runs, or say --filter and --experiment, not both.")
    if runs:
        return door.run_ids(runs)
    if not asked:
        return None
    ids = list(door.fresh().catalog.find_runs(query).ids)
    if not ids:
        raise InvalidError("no run matches, so nothing was exported.")
    return ids


def _tell(door: Door, done: Exported) -> None:
    if door.out.as_json:
        door.out.data(
            {
                "folder": str(done.folder),
                "runs": done.runs,
                "format": done.kind,
                "tables": done.rows,
                "bytes": done.bytes,
                "problems": list(done.problems),
            }
        )
        return
    told = f"{counted(done.runs, 'run')}, {counted(done.rows['points'], 'point')}"
    place = safe(str(done.folder))
    door.out.done(f"{told}, {size(done.bytes)} of journals, files and blobs: {place}")
    for problem in done.problems:
        door.out.warning(problem)
