"""The JSON of records: the shapes that ``--json`` promises; fields are added, never renamed.

Times are texts in UTC (RFC 3339), durations seconds. What a run logged keeps its type as
docs/reference/values.md tells: ``{"$float": "nan"}``, ``{"$datetime": "…"}``.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mendel.graph.clock import iso
from mendel.graph.values import flatten

if TYPE_CHECKING:
    from mendel.graph.lineage import Node
    from mendel.graph.run import ExperimentRecord, RunRecord, SeriesSummary
    from mendel.graph.values import Value

RUN = (
    '{"id", "name", "experiment", "state", "created", "started", "ended", "updated", "duration", '
    '"user", "host", "parent", "group", "job_type", "pinned", "archived", "deleted", '
    '"params": {…}, "metrics": {name: last or summary value}, "tags": {…}, "note", '
    '"lost_points", "damaged"}'
)


def metric_values(record: RunRecord) -> dict[str, Value]:
    """Return metrics as searches see them: the summary metric, else the series' last value."""
    out: dict[str, Value] = {key: last_value(s) for key, s in record.series.items()}
    out.update(flatten(record.metrics))
    return out


def last_value(series: SeriesSummary) -> Value:
    """Return the last value of a series in the type that it was logged in."""
    if series.boolean:
        return bool(series.last)
    is_known = series.last == series.last
    return int(series.last) if series.integral and is_known else series.last


def when(seconds: float | None) -> str | None:
    """Return a time as text, or None."""
    if seconds is None:
        return None
    try:
        return iso(seconds)
    except (ValueError, OverflowError, OSError):  # a clock far out of range: the number itself
        return f"{seconds!r}"


def run_json(record: RunRecord) -> dict[str, Any]:
    """Return a run in short: see `RUN`."""
    return {
        "id": record.id,
        "name": record.name,
        "experiment": record.experiment,
        "state": str(record.state),
        "created": when(record.created),
        "started": when(record.started),
        "ended": when(record.ended),
        "updated": when(record.updated),
        "duration": record.duration,
        "user": record.user,
        "host": record.host,
        "parent": record.parent,
        "group": record.group,
        "job_type": record.job_type,
        "pinned": record.pinned,
        "archived": record.archived,
        "deleted": when(record.deleted),
        "params": record.params,
        "metrics": metric_values(record),
        "tags": record.tags,
        "note": record.note,
        "lost_points": record.lost_points,
        "damaged": bool(record.damage),
    }


def run_json_whole(record: RunRecord) -> dict[str, Any]:
    """Return a run with its series' summaries, capture, alerts, rewinds, damage and its end."""
    return {
        **run_json(record),
        "series": {key: series_json(s) for key, s in record.series.items()},
        "definitions": {key: asdict(d) for key, d in record.definitions.items()},
        "capture": record.capture,
        "end": record.end,
        "alerts": list(record.alerts),
        "rewinds": [{"step": r.step, "before": r.before} for r in record.rewinds],
        "damage": list(record.damage),
    }


def series_json(series: SeriesSummary) -> dict[str, Any]:
    """Return what is known of a series; ``last`` and ``first`` in the type logged."""
    out: dict[str, Any] = asdict(series)
    out["last"] = last_value(series)
    out["last_time"] = when(series.last_time)
    return out


def node_json(node: Node) -> dict[str, Any]:
    """Return an artifact, execution or context."""
    return {
        "id": node.id,
        "kind": str(node.kind),
        "schema_title": node.schema_title,
        "schema_version": node.schema_version,
        "display_name": node.display_name,
        "state": node.state,
        "uri": node.uri,
        "description": node.description,
        "metadata": node.metadata,
        "run": node.run,
        "created": when(node.created),
        "updated": when(node.updated),
    }


def experiment_json(record: ExperimentRecord) -> dict[str, Any]:
    """Return an experiment."""
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "created": when(record.created),
        "updated": when(record.updated),
        "runs": record.run_count,
        "last_activity": when(record.last_activity),
        "deleted": when(record.deleted),
    }
