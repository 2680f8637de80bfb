"""Experiments as data frames: one row a run, types kept, one reading for all of them.

The columns are Vertex's, so that a notebook written for it goes on; docs/decisions/0007 tells what
is different on purpose: an int stays an int, and a run that is damaged never hides the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.catalog.contract import RunQuery
from mendel.track.columnar import to_pandas, typed
from mendel.track.session import current_experiment
from mendel.track.view import columns, here, is_system

if TYPE_CHECKING:
    import pandas as pd

    from mendel.track.view import Source

RUN_TYPE = "system.ExperimentRun"
PIPELINE_RUN_TYPE = "system.PipelineRun"
# The drawers of a run, in the order of their columns, and what those begin with.
DRAWERS = {"params": "param", "summary": "metric", "series": "time_series_metric"}
# The columns that are always there, and the field that each is made of.
FIXED = {
    "experiment_name": "experiment",
    "run_name": "name",
    "run_type": "job_type",
    "state": "state",
}


def experiment_frame(
    source: Source, experiment: str, *, include_time_series: bool = True
) -> pd.DataFrame:
    """Return an experiment's runs as a data frame, newest first (see `get_experiment_df`)."""
    source.refresh()
    source.catalog.get_experiment(experiment)  # NotFoundError where there is none
    ids = source.catalog.find_runs(RunQuery(experiments=(experiment,), limit=None)).ids
    fixed = columns(source, ids, FIXED.values())
    out = {title: fixed[field] for title, field in FIXED.items()}
    out["run_type"] = [_run_type(value) for value in out["run_type"]]
    drawers = [d for d in DRAWERS if include_time_series or d != "series"]
    for column in source.catalog.sheet(ids, drawers):
        drawer, _, name = column.name.partition(".")
        if not (drawer == "series" and is_system(name)):
            out[f"{DRAWERS[drawer]}.{name}"] = column.values
    return to_pandas([typed(title, values) for title, values in out.items()], len(ids))


def _run_type(job_type: object) -> str:
    return PIPELINE_RUN_TYPE if job_type == "pipeline" else RUN_TYPE


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
