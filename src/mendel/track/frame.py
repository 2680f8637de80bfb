"""Experiments as data frames: one row a run, types kept, one reading for all of them.

The columns are Vertex's, so that a notebook written for it goes on; docs/decisions/0007 tells what
is different on purpose: an int stays an int, and a run that is damaged never hides the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import RunQuery
from mendel.graph.values import MISSING, flatten
from mendel.track.columnar import to_pandas, typed
from mendel.track.session import current_experiment
from mendel.track.view import here, is_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value
    from mendel.track.view import Source

RUN_TYPE = "system.ExperimentRun"
PIPELINE_RUN_TYPE = "system.PipelineRun"
_BATCH = 2000  # records read at once: memory stays flat however many runs there are


def experiment_frame(
    source: Source, experiment: str, *, include_time_series: bool = True
) -> pd.DataFrame:
    """Return an experiment's runs as a data frame, newest first (see `get_experiment_df`)."""
    source.refresh()
    source.catalog.get_experiment(experiment)  # NotFoundError where there is none
    ids = source.catalog.find_runs(RunQuery(experiments=(experiment,), limit=None)).ids
    drawers: dict[str, dict[str, list[Any]]] = {"param.": {}, "metric.": {}}
    if include_time_series:
        drawers["time_series_metric."] = {}
    fixed: dict[str, list[Any]] = {
        name: [] for name in ("experiment_name", "run_name", "run_type", "state")
    }
    rows = 0
    for record in _records(source, ids):
        fixed["experiment_name"].append(record.experiment)
        fixed["run_name"].append(record.name)
        fixed["run_type"].append(_run_type(record))
        fixed["state"].append(str(record.state))
        _put(drawers["param."], rows, flatten(record.params))
        _put(drawers["metric."], rows, flatten(record.metrics))
        if include_time_series:
            _put(drawers["time_series_metric."], rows, _latest(record))
        rows += 1
    columns = [typed(name, values) for name, values in fixed.items()]
    for prefix, drawer in drawers.items():
        for key in sorted(drawer):
            values = drawer[key]
            values += [MISSING] * (rows - len(values))
            columns.append(typed(prefix + key, values))
    return to_pandas(columns, rows)


def _records(source: Source, ids: Sequence[str]) -> Iterable[RunRecord]:
    for begin in range(0, len(ids), _BATCH):
        batch = ids[begin : begin + _BATCH]
        found = source.catalog.get_runs(batch)
        yield from (found[i] for i in batch if i in found)  # purged meanwhile: no longer a run


def _latest(record: RunRecord) -> Iterator[tuple[str, Value]]:
    """Yield the last value of each series, in the type that it was logged in."""
    for key, series in record.series.items():
        if is_system(key):
            continue
        if series.boolean:
            yield key, bool(series.last)
        else:
            yield key, int(series.last) if series.integral else series.last


def _put(drawer: dict[str, list[Any]], row: int, items: Iterable[tuple[str, Value]]) -> None:
    for key, value in items:
        column = drawer.get(key)
        if column is None:
            column = drawer[key] = []
        if len(column) < row:
            column += [MISSING] * (row - len(column))
        if len(column) == row:
            column.append(value)
        else:  # a flat "a.b" beside a nested one: the later wins, as in a search
            column[row] = value


def _run_type(record: RunRecord) -> str:
    return PIPELINE_RUN_TYPE if record.job_type == "pipeline" else RUN_TYPE


def get_experiment_df(
    experiment: str | None = None, *, include_time_series: bool = True
) -> pd.DataFrame:
    """Return all runs of an experiment as a pandas data frame: one row a run, newest first.

    Columns, in this order: experiment_name, run_name, run_type, state, then ``param.*``,
    ``metric.*`` and ``time_series_metric.*`` (the last value of each series), each sorted by name;
    nested params are dotted. What a run does not have is NaN. Series of the machine (``system/…``)
    are left out.

    Types are kept: 45 stays 45 and True stays True, in columns with gaps as pandas' nullable
    ``Int64`` and ``boolean`` (missing is ``<NA>`` there; ``isna()`` finds both). See
    `mendel.track.columnar` for the table.

    Args:
        experiment: its name; None takes the one that runs are begun in (`mendel.init`).
        include_time_series: False leaves the series out.

    Raises:
        InvalidError: no experiment given and none set.
        NotFoundError: no such experiment.
    """
    name = experiment if experiment is not None else current_experiment()
    return experiment_frame(here(), name, include_time_series=include_time_series)
