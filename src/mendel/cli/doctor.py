"""``mendel doctor``: look a store over, and say what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mendel.cli.command import command
from mendel.cli.table import Cell
from mendel.cli.text import counted, safe

if TYPE_CHECKING:
    from mendel.cli.command import Door
    from mendel.track.upkeep.checkup import Finding

SHOWN, INDENT = 10, " " * 10
_STYLES = {"ok": "green", "remark": "yellow", "problem": "red"}


@command(
    "doctor",
    examples=[
        ("mendel doctor", "everything but the bytes of artifacts"),
        ("mendel doctor --deep", "those too: each is read and its hash checked"),
        ("mendel doctor --json | jq '.findings[] | select(.level == \"problem\")'", "for programs"),
    ],
    shape='{"healthy": bool, "findings": [{"level": "ok" | "remark" | "problem", "check", "what", '
    '"places": […], "advice"}, …]}',
)
@click.option("--deep", is_flag=True, help="Read the bytes of every artifact too.")
def command_(door: Door, deep: bool) -> int:
    """Check a store and say what to do.

    Reads every journal from its beginning. Ends with 1 when something is wrong. Nothing is changed.
    """
    from mendel.track.upkeep.checkup import checkup

    store = door.store()
    with door.out.progress("looking") as show:
        findings = checkup(store, deep=deep, progress=show)
    problems = [f for f in findings if f.level == "problem"]
    if door.out.as_json:
        door.out.data({"healthy": not problems, "findings": [asdict(f) for f in findings]})
        return 1 if problems else 0
    for finding in findings:
        _tell(door, finding)
    told = counted(len(problems), "problem") if problems else "all is well"
    door.out.done(f"{told} in {safe(str(store.root))}")
    return 1 if problems else 0


def _tell(door: Door, finding: Finding) -> None:
    style = _STYLES[finding.level]
    door.out.line(Cell(f"{finding.level:<8}", style), safe(f"{finding.check}: {finding.what}"))
    for place in finding.places[:SHOWN]:
        door.out.line(INDENT, safe(place))
    if len(finding.places) > SHOWN:
        door.out.line(f"{INDENT}and {len(finding.places) - SHOWN:,} more (--json has all)")
    if finding.advice:
        door.out.line(Cell(f"{INDENT}{finding.advice}", "bold"))
