"""What a run printed, read from its journal: a catalog does not index it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.graph.values import Value
    from mendel.track.store import Store


def console_log(store: Store, run_id: str) -> Iterator[dict[str, Value]]:
    """Yield what a run printed in order of time: ``time`` (RFC 3339), ``stream``, ``text``."""
    from mendel.journal.read import Journal

    for _, fact in Journal(store.journal_folder(run_id)).facts(["console"]):
        yield {
            "time": iso(fact.time),
            "stream": fact.body.get("stream", "stdout"),
            "text": fact.body.get("text", ""),
        }
