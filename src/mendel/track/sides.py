"""Puts runs side by side, field by field: what a comparison is made of.

Values are compared exactly: 1 is not 1.0, NaN is NaN, and a run without a value is not a run whose
value is None. Metrics are quantities: there 1 and 1.0 are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mendel.graph.lineage import EventKind
from mendel.graph.query_run import aggregate_value
from mendel.graph.state import Goal
from mendel.graph.values import MISSING, flatten, same
from mendel.track.diff import Code, code_of
from mendel.track.goal import goals, is_number, winners
from mendel.track.view import is_system, metric_values, moment, run_artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mendel.graph.lineage import Node
    from mendel.graph.run import RunRecord
    from mendel.track.view import Source

SECTIONS = ("run", "params", "metrics", "tags", "code", "environment", "data")
_ABOUT = ("experiment", "state", "user", "host", "group", "job_type", "note", "duration")
_DIGESTS = ("sha256", "digest", "fingerprint", "version")
_NAN = float("nan")
# What is never twice the same and says nothing of the result.
_PASSING = {
    "environment.executable",
    "environment.prefix",
    "environment.variables.VIRTUAL_ENV",
    "hardware.disk_free_bytes",
    "hardware.host",
    "hardware.user",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that runs are compared in.

    Attributes:
        section: run, params, metrics, tags, code, environment or data.
        name: its name in the section; a metric also as ``loss.min`` and ``loss.max`` of its series.
        values: one for each run, `MISSING` where it has none.
        differs: whether they are not all the same.
        goal: for a metric, which way is better, if the runs say so and agree.
        deltas: for a metric, value minus the baseline's; NaN where either is no number.
        winners: for a metric with a goal, the places of the best runs; several when they tie.
        minor: shown only with everything: the start, the machine's series, the other end of a
            metric's range.
    """

    section: str
    name: str
    values: tuple[Any, ...]
    differs: bool
    goal: Goal | None = None
    deltas: tuple[float, ...] = ()
    winners: tuple[int, ...] = ()
    minor: bool = False

    @property
    def field(self) -> str:
        """The full name: ``params.lr``."""
        prefixed = self.section in {"params", "metrics", "tags", "data"}
        return f"{self.section}.{self.name}" if prefixed else self.name


def differ(values: Sequence[Any], equal: Callable[[Any, Any], bool] = same) -> bool:
    """Tell whether not all values are the same."""
    first = values[0]
    return not all(equal(first, value) for value in values[1:])


def same_quantity(a: Any, b: Any) -> bool:
    """Tell whether two values of a metric are the same: numbers by their value, others exactly."""
    if _is_quantity(a) and _is_quantity(b):
        return bool(a == b) or (a != a and b != b)  # noqa: PLR0124 - NaN
    return same(a, b)


def _is_quantity(value: Any) -> bool:
    return type(value) in {int, float}


def rows_of(
    source: Source, records: Sequence[RunRecord], codes: Sequence[Code], baseline: int
) -> Iterator[Row]:
    """Yield every row of a comparison, section by section."""
    about = [dict(_about(record)) for record in records]
    yield from _rows("run", about)
    yield from _rows("params", [dict(flatten(record.params)) for record in records])
    yield from _metric_rows(records, baseline)
    yield from _rows("tags", [dict(flatten(record.tags)) for record in records])
    yield from _rows("code", [{**code.facts, "uncommitted": code.digest} for code in codes])
    yield from _rows("environment", [dict(_environment(record)) for record in records])
    inputs = run_artifacts(source.catalog, [record.id for record in records], EventKind.INPUT)
    yield from _rows("data", [_data(inputs[record.id]) for record in records])


def _rows(section: str, sides: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    names = dict.fromkeys(name for side in sides for name in side)
    for name in names if section in {"run", "code"} else sorted(names):
        values = tuple(side.get(name, MISSING) for side in sides)
        if any(value is not MISSING for value in values):
            minor = section == "run" and name == "started"
            yield Row(section, name, values, differ(values), minor=minor)


def _about(record: RunRecord) -> Iterator[tuple[str, Any]]:
    for name in _ABOUT:
        value = getattr(record, name)
        if value is not None:
            yield name, str(value) if isinstance(value, str) else value
    if record.started is not None:
        yield "started", moment(record.started)


def _environment(record: RunRecord) -> Iterator[tuple[str, Any]]:
    """Yield python, packages.numpy, variables.TZ, hardware.cpus, seeds, …."""
    for what in ("environment", "hardware", "seed", "seeds"):
        for name, value in flatten({what: record.capture.get(what, {})}):
            if name not in _PASSING and value != {}:
                yield name.removeprefix("environment."), value


def _data(nodes: Sequence[Node]) -> dict[str, Any]:
    """Return the inputs of a run by name: where each lies and the digest of its bytes, if known."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        parts = [node.uri or node.id]
        parts += [str(node.metadata[d]) for d in _DIGESTS if node.metadata.get(d) is not None]
        found.setdefault(node.display_name or node.id, []).append(" ".join(parts))
    return {
        name: places[0] if len(places) == 1 else sorted(places) for name, places in found.items()
    }


def _metric_rows(records: Sequence[RunRecord], baseline: int) -> Iterator[Row]:
    sides = [metric_values(record) for record in records]
    for name in sorted(set().union(*sides)):
        found = goals(records, name)
        goal = next(iter(found)) if len(found) == 1 else None
        yield _metric_row(name, [side.get(name, MISSING) for side in sides], goal, baseline)
        yield from _range_rows(records, name, goal, baseline)
    for name in sorted(filter(is_system, set().union(*(record.series for record in records)))):
        means = [_end(record, name, "mean") for record in records]
        yield _metric_row(f"{name}.mean", means, None, baseline, minor=True)


def _range_rows(
    records: Sequence[RunRecord], name: str, goal: Goal | None, baseline: int
) -> Iterator[Row]:
    """Yield the least and the greatest of a series; the one that no goal asks for is minor."""
    for end, of in (("min", Goal.MINIMIZE), ("max", Goal.MAXIMIZE)):
        ends = [_end(record, name, end) for record in records]
        if any(value is not MISSING for value in ends):
            yield _metric_row(f"{name}.{end}", ends, goal, baseline, minor=goal is not of)


def _end(record: RunRecord, name: str, aggregate: str) -> Any:
    series = record.series.get(name)
    return MISSING if series is None else aggregate_value(series, aggregate)


def _metric_row(
    name: str, values: Sequence[Any], goal: Goal | None, baseline: int, *, minor: bool = False
) -> Row:
    start = values[baseline]
    deltas = tuple(_delta(value, start) for value in values)
    best = winners(values, goal) if goal is not None else ()
    different = differ(values, same_quantity)
    return Row("metrics", name, tuple(values), different, goal, deltas, best, minor)


def _delta(value: Any, start: Any) -> float:
    if not (is_number(value) and is_number(start)):
        return _NAN
    try:
        return float(value - start)
    except OverflowError:
        return _NAN


def codes_of(source: Source, records: Sequence[RunRecord]) -> list[Code]:
    """Return the code of each run; what is not committed is read when first looked at."""
    return [code_of(record, source.run_folder(record.id)) for record in records]
