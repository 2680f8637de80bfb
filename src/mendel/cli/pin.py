"""``mendel pin`` and ``mendel unpin``: protect runs from deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.cli.command import command, run_argument
from mendel.cli.text import counted

if TYPE_CHECKING:
    from mendel.cli.command import Door

_SHAPE = '{"runs": [id, …], "pinned": true or false}'


def _decide(door: Door, runs: tuple[str, ...], *, pinned: bool) -> None:
    ids = door.run_ids(runs)
    door.decide("pin_run", ids, pinned=pinned)
    if door.out.as_json:
        door.out.data({"runs": list(ids), "pinned": pinned})
    else:
        door.out.done(f"{'pinned' if pinned else 'unpinned'} {counted(len(ids), 'run')}")


@command(
    "pin",
    examples=[("mendel pin brave-fox", "it cannot be put into the trash now")],
    shape=_SHAPE,
)
@run_argument(many=True)
def command_(door: Door, runs: tuple[str, ...]) -> None:
    """Protect runs from deletion.

    A pinned run is refused by rm until it is unpinned.
    """
    _decide(door, runs, pinned=True)


@command("unpin", examples=[("mendel unpin brave-fox", "rm takes it again")], shape=_SHAPE)
@run_argument(many=True)
def unpin(door: Door, runs: tuple[str, ...]) -> None:
    """Take the protection of pin away.

    The runs are not deleted by it; rm would take them now.
    """
    _decide(door, runs, pinned=False)
