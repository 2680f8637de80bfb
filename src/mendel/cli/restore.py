"""``mendel restore``: runs come back from the trash."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, run_argument
from mendel.cli.text import counted
from mendel.graph.errors import InvalidError, NotFoundError
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door


@command(
    "restore",
    examples=[
        ("mendel restore brave-fox", "it is back"),
        ("mendel restore --all", "the whole trash"),
    ],
    shape='{"runs": [id, …]}',
)
@run_argument(many=True, required=False)
@click.option("--all", "every", is_flag=True, help="Everything in the trash.")
def command_(door: Door, runs: tuple[str, ...], every: bool) -> None:
    """Take runs out of the trash.

    A run is named by its id, the beginning of one, or its name. What mendel gc purged cannot come
    back.
    """
    if every == bool(runs):
        raise InvalidError("name runs, or say --all. The trash: mendel runs --deleted")
    catalog = door.fresh().catalog
    ids = catalog.find_runs(RunQuery(deleted=True, limit=None)).ids
    if not every:
        ids = _named(door, ids, runs)
    door.decide("restore_run", ids)
    if door.out.as_json:
        door.out.data({"runs": list(ids)})
    else:
        door.out.done(f"restored {counted(len(ids), 'run')}")


def _named(door: Door, trash: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    names: dict[str, list[str]] = {}
    (column,) = door.store().catalog.columns(trash, ["name"])
    for an_id, name in zip(trash, column.values, strict=True):
        names.setdefault(str(name), []).append(an_id)
    wanted: dict[str, None] = {}
    for word in _words(words):
        found = [i for i in trash if len(word) >= 4 and i.startswith(word)] or names.get(word, [])[
            :1
        ]
        if len(found) != 1:
            why = "is not in the trash" if not found else f"fits {counted(len(found), 'run')}"
            raise NotFoundError(f"run {word!r} {why}. The trash: mendel runs --deleted")
        wanted[found[0]] = None
    return tuple(wanted)


def _words(words: tuple[str, ...]) -> list[str]:
    out: list[str] = []
    for word in words:
        out += sys.stdin.read().split("\n") if word == "-" else [word]
    return [w.strip() for w in out if w.strip()]
