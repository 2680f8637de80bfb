"""``mendel experiments``: the experiments of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mendel.cli.command import command
from mendel.cli.shape import experiment_json
from mendel.cli.table import Cell, Heading
from mendel.cli.text import ago, safe
from mendel.graph.clock import now

if TYPE_CHECKING:
    from mendel.cli.command import Door


@command(
    "experiments",
    examples=[
        ("mendel experiments", "all, by name"),
        ("mendel experiments --json | jq -r '.experiments[].name'", "their names, for programs"),
    ],
    shape='{"experiments": [{"id", "name", "description", "created", "updated", "runs", '
    '"last_activity", "deleted"}, …]}',
)
@click.option("--deleted", is_flag=True, help="Experiments in the trash.")
def command_(door: Door, deleted: bool) -> None:
    """List experiments.

    An experiment is a named set of runs; a name may be a path, as team/churn/gbdt.
    """
    found = door.fresh().catalog.experiments(deleted=deleted)
    if door.out.as_json:
        door.out.data({"experiments": [experiment_json(e) for e in found]})
        return
    if not found:
        door.out.remark(
            "no experiment is in the trash"
            if deleted
            else "no experiments yet. A first run makes one: mendel demo"
        )
        return
    headings = [
        Heading("name", stays=True),
        Heading("runs", numeric=True),
        Heading("last activity"),
        Heading("description"),
    ]
    rows = [
        [
            Cell(safe(e.name)),
            Cell(f"{e.run_count:,}"),
            Cell(ago(e.last_activity or e.created, now())),
            Cell(safe((e.description or "").split("\n")[0]), "dim"),
        ]
        for e in found
    ]
    door.out.table(headings, rows)
