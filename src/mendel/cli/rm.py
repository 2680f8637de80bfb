"""``mendel rm``: runs go to the trash, from where they can come back until ``mendel gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, run_argument
from mendel.cli.text import counted, listed
from mendel.graph.errors import InvalidError, ProtectedError

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.graph.run import RunRecord


@command(
    "rm",
    examples=[
        ("mendel rm brave-fox", "asks, then puts it into the trash"),
        ("mendel runs -f \"state = 'LOST'\" --all --ids | mendel rm - --yes", "all lost runs"),
    ],
    shape='{"runs": [id, …]}',
)
@run_argument(many=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command_(door: Door, runs: tuple[str, ...], yes: bool) -> int:
    """Put runs into the trash.

    Nothing is freed yet: mendel restore brings runs back, mendel gc empties the trash. Pinned runs
    are refused. Asks on a terminal; elsewhere it wants --yes.
    """
    records = [r for r in door.records(runs) if r.deleted is None]
    pinned = [r.name for r in records if r.pinned]
    if pinned:
        raise ProtectedError(
            f"pinned, so not deleted: {listed(pinned)}. Nothing was deleted. First: mendel unpin"
        )
    if not yes and records and not _agreed(door, records):
        door.out.done("nothing was deleted")
        return 1
    door.decide("delete_run", [r.id for r in records])
    if door.out.as_json:
        door.out.data({"runs": [r.id for r in records]})
    else:
        told = counted(len(records), "run")
        door.out.done(f"{told} in the trash. Back: mendel restore. Free the space: mendel gc")
    return 0


def _agreed(door: Door, records: list[RunRecord]) -> bool:
    if not door.out.can_ask():
        raise InvalidError("nobody is there to ask: say --yes to put them into the trash.")
    told = f"{counted(len(records), 'run')} ({listed(r.name for r in records)})"
    return door.out.ask(f"Put {told} into the trash?")
