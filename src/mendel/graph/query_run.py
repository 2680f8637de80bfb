"""What a run has for a field of the search language: the definition that every catalog keeps to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph.query_field import AGGREGATES, ATTRIBUTES, CAPTURED, TEXT_FIELD
from mendel.graph.values import MISSING, Missing, Value, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mendel.graph.run import RunRecord, SeriesSummary


def run_value(run: RunRecord, field: str) -> Value | Missing:
    """Return a run's value of a field by its full name, or `MISSING`.

    Nested values are found by dotted names; a flat key of that very name wins. Lineage
    (``artifact.inputs`` …) is not a run's own: the catalog supplies it.
    """
    drawer, dot, key = field.partition(".")
    if drawer == "metrics" and dot:
        return metric_value(run.metrics, run.series, key)
    if field in ATTRIBUTES:
        return _attribute(run, field)
    if field == TEXT_FIELD:
        return list(run_texts(run.name, run.note, run.tags))
    if drawer in CAPTURED:
        return find(run.capture, field)
    trees = {"params": run.params, "tags": run.tags, "capture": run.capture}
    return find(trees[drawer], key) if drawer in trees else MISSING


def _attribute(run: RunRecord, name: str) -> Value | Missing:
    value = getattr(run, name)
    if value is None:
        return MISSING
    return str(value) if isinstance(value, str) else value  # a state is its text


def run_texts(name: str, note: str | None, tags: Mapping[str, Value]) -> list[str]:
    """Return what free text looks at: the name, the note, and ``tag: value`` of each tag."""
    tag_texts = [k if v is None else f"{k}: {v}" for k, v in flatten(tags)]
    return [name, *([note] if note else []), *tag_texts]


def find(tree: Mapping[str, Value], name: str) -> Value | Missing:
    """Return the leaf of nested dicts that a dotted name means, or `MISSING`.

    Of several the one reached by fewer steps is taken (a flat key ``a.b`` before ``b`` in ``a``).
    A dict that holds something is no leaf.
    """
    if name in tree:
        value = tree[name]
        if not (isinstance(value, dict) and value):
            return value
    found = _find(tree, name)
    return MISSING if found is None else found[1]


def _find(tree: Mapping[str, Value], name: str) -> tuple[int, Value] | None:
    """Return the leaf with the fewest steps, and their number; of equals the later one."""
    best: tuple[int, Value] | None = None
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            inner = _find(value, name[len(key) + 1 :]) if name.startswith(key + ".") else None
            found = None if inner is None else (inner[0] + 1, inner[1])
        else:
            found = (1, value) if key == name else None
        if found is not None and (best is None or found[0] <= best[0]):
            best = found
    return best


def metric_value(
    metrics: Mapping[str, Value], series: Mapping[str, SeriesSummary], key: str
) -> Value | Missing:
    """Return what ``metrics.<key>`` means: a summary metric, else the last value of a series.

    Else, where the key ends in an aggregate (``loss.min``), that of the series before it: a metric
    that is really called ``loss.min`` wins.
    """
    value = find(metrics, key)
    if value is not MISSING:
        return value
    if key in series:
        return _typed(series[key], series[key].last)
    name, dot, aggregate = key.rpartition(".")
    if not dot or aggregate not in AGGREGATES or name not in series:
        return MISSING
    return aggregate_value(series[name], aggregate)


def aggregate_value(summary: SeriesSummary, aggregate: str) -> Value | Missing:
    """Return ``min``, ``max``, ``first``, … of a series; `MISSING` where every point is NaN."""
    value = getattr(summary, aggregate)
    if value is None:
        return MISSING
    if aggregate in {"min", "max", "first", "last"}:
        return _typed(summary, value)
    return value  # type: ignore[no-any-return]


def _typed(summary: SeriesSummary, value: float) -> bool | int | float:
    """Return a number in the type that every point of its series was logged in."""
    if summary.boolean:
        return bool(value)
    return int(value) if summary.integral else value
