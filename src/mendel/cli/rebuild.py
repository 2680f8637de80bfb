"""``mendel rebuild``: the catalog anew from journals and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.cli.command import command
from mendel.cli.text import counted, duration
from mendel.graph.clock import monotonic
from mendel.track.words import RunQuery

if TYPE_CHECKING:
    from mendel.cli.command import Door


@command(
    "rebuild",
    examples=[("mendel rebuild", "after a damaged or deleted catalog")],
    shape='{"runs": count, "seconds"}',
)
def command_(door: Door) -> None:
    """Make the catalog anew from the journals.

    Nothing is lost by it: what runs wrote stands in their journals, what people decided in
    decisions.jsonl.
    """
    store = door.store()
    began = monotonic()
    with door.out.progress("rebuilding") as show:
        store.rebuild(show)
    took = monotonic() - began
    total = store.catalog.find_runs(RunQuery(deleted=None, limit=1)).total
    if door.out.as_json:
        door.out.data({"runs": total, "seconds": took})
    else:
        door.out.done(f"the catalog is new: {counted(total, 'run')} in {duration(took)}")
