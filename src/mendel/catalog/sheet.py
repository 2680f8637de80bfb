"""All columns of some drawers, worked out from whole runs: right everywhere, fast nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.catalog.contract import MISSING, Column
from mendel.graph.errors import InvalidError, did_you_mean
from mendel.graph.query_run import aggregate_value, find
from mendel.graph.values import Missing, flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value

DRAWERS = ("params", "summary", "series", "tags")


def check_drawers(drawers: Iterable[str]) -> None:
    """Refuse what is no drawer.

    Raises:
        InvalidError: there is no such drawer.
    """
    for drawer in drawers:
        if drawer not in DRAWERS:
            raise InvalidError(f"no drawer {drawer!r}{did_you_mean(drawer, DRAWERS)}")


def sheet(
    records: Mapping[str, RunRecord], ids: Sequence[str], drawers: Sequence[str]
) -> list[Column]:
    """Return what `Catalog.sheet` promises, from the records of the runs."""
    check_drawers(drawers)
    out = []
    for drawer in drawers:
        columns: dict[str, list[Value | Missing]] = {}
        for place, run in enumerate(ids):
            for name, value in _items(records[run], drawer) if run in records else ():
                columns.setdefault(name, [MISSING] * len(ids))[place] = value
        out += [Column(f"{drawer}.{name}", tuple(columns[name])) for name in sorted(columns)]
    return out


def _items(run: RunRecord, drawer: str) -> Iterator[tuple[str, Value]]:
    if drawer == "series":
        found = ((key, aggregate_value(series, "last")) for key, series in run.series.items())
    else:
        tree = {"params": run.params, "summary": run.metrics, "tags": run.tags}[drawer]
        found = ((name, find(tree, name)) for name in dict.fromkeys(n for n, _ in flatten(tree)))
    for name, value in found:
        if not isinstance(value, Missing):
            yield name, value
