"""``mendel restore``: runs and experiments come back from the trash."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command, run_argument
from mendel.cli.text import counted
from mendel.graph.errors import InvalidError, NotFoundError, did_you_mean
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.graph.run import ExperimentRecord

SHORTEST = 4  # characters of an id


@command(
    "restore",
    examples=[
        ("mendel restore brave-fox", "it is back"),
        ("mendel restore -e churn", "an experiment, and the runs that went with it"),
        ("mendel restore --all", "the whole trash"),
    ],
    shape='{"runs": [id, …], "experiments": [name, …]}',
)
@run_argument(many=True, required=False)
@click.option(
    "-e", "--experiment", "experiments", multiple=True, metavar="NAME",
    help="An experiment in the trash, with the runs that went with it. May be repeated.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Everything in the trash.")
def command_(door: Door, runs: tuple[str, ...], experiments: tuple[str, ...], every: bool) -> None:
    """Take runs and experiments out of the trash.

    A run is named by its id, the beginning or the end of one, or its name. What mendel gc purged
    cannot come back.
    """
    if every == bool(runs or experiments):
        raise InvalidError(
            "name runs or experiments, or say --all. The trash: mendel runs --deleted, mendel "
            "experiments --deleted"
        )
    store = door.fresh()
    trash = _trash(door)
    whole = _experiments(door, None if every else experiments)
    wanted = _named(door, trash, runs) if runs else ()
    door.decide("restore_run", _alone(door, trash) if every else wanted)
    for experiment in whole:
        store.decide("restore_experiment", experiment.id)
    left = set(_trash(door))
    back = [an_id for an_id in trash if an_id not in left]
    if door.out.as_json:
        door.out.data({"runs": back, "experiments": [e.name for e in whole]})
        return
    names = f"{counted(len(whole), 'experiment')} with " if whole else ""
    door.out.done(f"restored {names}{counted(len(back), 'run')}")


def _trash(door: Door) -> tuple[str, ...]:
    return door.store().catalog.find_runs(RunQuery(deleted=True, limit=None)).ids


def _alone(door: Door, trash: tuple[str, ...]) -> list[str]:
    """Return the runs that lie in the trash without their experiment."""
    catalog = door.store().catalog
    whole = {e.id for e in catalog.experiments(deleted=True)}
    (column,) = catalog.columns(trash, ["experiment_id"])
    return [an_id for an_id, own in zip(trash, column.values, strict=True) if own not in whole]


def _experiments(door: Door, names: tuple[str, ...] | None) -> list[ExperimentRecord]:
    """Return the experiments in the trash of some names, the last deleted of each; None: all."""
    trash = door.store().catalog.experiments(deleted=True)
    by_name = {e.name: e for e in sorted(trash, key=lambda e: e.deleted or 0.0)}
    for name in names or ():
        if name not in by_name:
            raise NotFoundError(
                f"no experiment {name!r} is in the trash{did_you_mean(name, by_name)}"
            )
    return [by_name[name] for name in dict.fromkeys(by_name if names is None else names)]


def _named(door: Door, trash: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    names: dict[str, list[str]] = {}
    (column,) = door.store().catalog.columns(trash, ["name"])
    for an_id, name in zip(trash, column.values, strict=True):
        names.setdefault(str(name), []).append(an_id)
    wanted: dict[str, None] = {}
    for word in _words(words):
        part = word.upper()
        found = [
            i for i in trash if len(part) >= SHORTEST and (i.startswith(part) or i.endswith(part))
        ]
        found = found or names.get(word, [])[:1]
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
