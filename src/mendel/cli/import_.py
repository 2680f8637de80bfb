"""``mendel import``: runs arrive from a folder, an export or another store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command
from mendel.cli.text import counted, safe, size

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.track.moving.arriving import Arrival


@command(
    "import",
    examples=[
        ("mendel import cluster/runs/2026-11-23/01JD4QZ7", "one run's folder, as rsync brought it"),
        ("mendel import ../other-project", "another store, whole"),
        ("mendel import backup-2026-11", "an export; twice does no harm"),
    ],
    shape='{"kind": "run" | "runs" | "export" | "store", "new": [id, …], "updated": [id, …], '
    '"same": [id, …], "decisions": count, "blobs": count, "bytes", "missing": [uri, …], '
    '"problems": [text, …]}',
)
@click.argument("folder", type=click.Path(path_type=Path))
def command_(door: Door, folder: Path) -> int:
    """Take in runs from a folder, an export or a store.

    Ids, times, states, notes and tags stay as they are. What is here already is left; a run that
    went on since gets what is new. Ends with 1 when something could not come, and says what.
    """
    from mendel.importers.folder import look, take

    source = look(folder)
    store = door.store(create=True)
    with door.out.progress("importing") as show:
        arrival = take(store, source, show)
    if door.out.as_json:
        door.out.data({"kind": source.kind, **asdict(arrival)})
    else:
        _tell(door, arrival)
    return 1 if arrival.problems else 0


def _tell(door: Door, arrival: Arrival) -> None:
    out = door.out
    out.fields(
        [
            ("new", counted(len(arrival.new), "run")),
            ("gone on", counted(len(arrival.updated), "run")),
            ("here already", counted(len(arrival.same), "run")),
            ("decisions", f"{arrival.decisions:,}"),
            ("blobs", f"{arrival.blobs:,}"),
            ("copied", size(arrival.bytes)),
        ]
    )
    for problem in arrival.problems:
        out.warning(problem)
    if arrival.missing:
        told = counted(len(arrival.missing), "artifact's bytes", "artifacts' bytes")
        out.warning(f"{told} are not in that folder: {safe(arrival.missing[0])} …")
