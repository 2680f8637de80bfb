"""``mendel gc``: empty the trash and free its space."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command
from mendel.cli.shape import when
from mendel.cli.table import Cell, Heading
from mendel.cli.text import ago, counted, safe, size
from mendel.graph.clock import now
from mendel.graph.errors import InvalidError

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.track.upkeep.gc import Plan

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SHOWN = 20


def seconds(text: str) -> float:
    """Return a stretch of time as seconds: ``90s``, ``12h``, ``7d``, ``2w``.

    Raises:
        InvalidError: it is none.
    """
    try:
        return float(text[:-1]) * _UNITS[text[-1:]]
    except (ValueError, KeyError):
        raise InvalidError(
            f"{text!r} is no stretch of time; write 90s, 30m, 12h, 7d or 2w."
        ) from None


@command(
    "gc",
    examples=[
        ("mendel gc --dry-run", "what would go, and the bytes"),
        ("mendel gc", "asks, then empties the trash"),
        ("mendel gc --older-than 30d --yes", "in a nightly job"),
    ],
    shape='{"dry_run", "runs": [{"id", "name", "experiment", "deleted", "bytes"}], "kept": [{"id", '
    '"name", "why"}], "blobs", "blob_bytes", "young_bytes", "leftover_bytes", "artifacts", '
    '"to_seal", "bytes", "doubts", "done": null or {"runs", "blobs", "sealed", "bytes"}}',
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than", metavar="TIME", help="Only what is in the trash for longer: 12h, 30d."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command_(door: Door, dry_run: bool, older_than: str | None, yes: bool) -> int:
    """Empty the trash and free its space.

    Runs in the trash go for ever, with artifacts that only they knew and bytes that nothing else
    refers to. What is pinned, running, or used by other runs stays. Stopped midway, the next gc
    finishes the work. Bytes that somebody stored within the last hour stay, for he may be about to
    say what they are.
    """
    from mendel.track.upkeep.gc import collect, plan

    store = door.fresh()
    planned = plan(store, older_than_s=seconds(older_than) if older_than else 0.0)
    if not door.out.as_json:
        _tell(door, planned)
    if dry_run or not _something(planned):
        _answer(door, planned, None, dry_run=dry_run)
        return 0
    if planned.runs and not yes and not _agreed(door, len(planned.runs)):
        door.out.done("nothing was deleted")
        return 1
    with door.out.progress("collecting", as_bytes=True) as show:
        done = collect(store, planned, show)
    _answer(door, planned, asdict(done), dry_run=False)
    return 0


def _something(planned: Plan) -> bool:
    return bool(planned.runs or planned.blobs or planned.leftovers or planned.seal)


def _agreed(door: Door, runs: int) -> bool:
    if not door.out.can_ask():
        raise InvalidError("nobody is there to ask: say --yes to delete for ever, or --dry-run.")
    return door.out.ask(f"Delete {counted(runs, 'run')} for ever?")


def _tell(door: Door, planned: Plan) -> None:
    out = door.out
    if planned.runs:
        rows = [
            [
                Cell(safe(r.name)),
                Cell(safe(r.experiment)),
                Cell(ago(r.deleted, now())),
                Cell(size(r.bytes)),
            ]
            for r in planned.runs[:SHOWN]
        ]
        headings = [Heading("run", stays=True), Heading("experiment"), Heading("in the trash")]
        out.table([*headings, Heading("size", numeric=True)], rows)
        if len(planned.runs) > SHOWN:
            out.remark(f"and {counted(len(planned.runs) - SHOWN, 'more run')}")
    for kept in planned.kept:
        out.remark(f"kept: {safe(kept.name)} ({kept.why})")
    for doubt in planned.doubts:
        out.warning(f"{doubt}, so no shared bytes are freed. See: mendel doctor")
    pairs = [
        ("runs", f"{len(planned.runs):,}  {size(sum(r.bytes for r in planned.runs))}"),
        ("shared bytes", f"{len(planned.blobs):,}  {size(sum(planned.blobs.values()))}"),
        ("leftovers", size(planned.leftovers)),
        ("to compress", counted(len(planned.seal), "run")),
        ("in all", size(planned.bytes)),
    ]
    out.fields(pairs)
    if planned.young:
        out.remark(
            f"{size(planned.young)} that nothing refers to are too young; an hour from now they go"
        )


def _answer(door: Door, planned: Plan, done: dict[str, int] | None, *, dry_run: bool) -> None:
    out = door.out
    if out.as_json:
        out.data(
            {
                "dry_run": dry_run,
                "runs": [{**asdict(r), "deleted": when(r.deleted)} for r in planned.runs],
                "kept": [asdict(k) for k in planned.kept],
                "blobs": len(planned.blobs),
                "blob_bytes": sum(planned.blobs.values()),
                "young_bytes": planned.young,
                "leftover_bytes": planned.leftovers,
                "artifacts": len(planned.nodes),
                "to_seal": list(planned.seal),
                "bytes": planned.bytes,
                "doubts": list(planned.doubts),
                "done": done,
            }
        )
    elif done is not None:
        out.done(f"freed {size(done['bytes'])}: {counted(done['runs'], 'run')}, "
                 f"{counted(done['blobs'], 'blob')}")  # fmt: skip
    elif dry_run:
        out.done(f"mendel gc would free {size(planned.bytes)}; nothing was touched")
    else:
        out.done("nothing to collect")
