"""Mendel: everything a data scientist tries, recorded in one lineage graph.

    import mendel

    with mendel.start_run("baseline", params={"lr": 0.1}) as run:
        for step in range(100):
            run.log({"loss": loss}, step)

Each name is imported when it is first used, so that ``import mendel`` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; `typing` itself is not light
if TYPE_CHECKING:
    from mendel.graph.run import Goal as Goal
    from mendel.graph.run import RunState as RunState
    from mendel.track.best import best as best
    from mendel.track.compare import compare as compare
    from mendel.track.decorator import track as track
    from mendel.track.experiment import Experiment as Experiment
    from mendel.track.frame import get_experiment_df as get_experiment_df
    from mendel.track.run import ExperimentRun as ExperimentRun
    from mendel.track.runs import runs as runs
    from mendel.track.start import start_run as start_run
    from mendel.track.store import Store as Store
    from mendel.track.verbs import active_run as active_run
    from mendel.track.verbs import alert as alert
    from mendel.track.verbs import define_metric as define_metric
    from mendel.track.verbs import delete_tag as delete_tag
    from mendel.track.verbs import end_run as end_run
    from mendel.track.verbs import finish as finish
    from mendel.track.verbs import get_run as get_run
    from mendel.track.verbs import init as init
    from mendel.track.verbs import log as log
    from mendel.track.verbs import log_metric as log_metric
    from mendel.track.verbs import log_metrics as log_metrics
    from mendel.track.verbs import log_param as log_param
    from mendel.track.verbs import log_params as log_params
    from mendel.track.verbs import log_time_series_metrics as log_time_series_metrics
    from mendel.track.verbs import set_note as set_note
    from mendel.track.verbs import set_tag as set_tag
    from mendel.track.verbs import set_tags as set_tags

__version__ = "0.1.0"

# where each public name lives
_HOMES = {
    "Experiment": "mendel.track.experiment",
    "ExperimentRun": "mendel.track.run",
    "Goal": "mendel.graph.run",
    "RunState": "mendel.graph.run",
    "Store": "mendel.track.store",
    "active_run": "mendel.track.verbs",
    "alert": "mendel.track.verbs",
    "best": "mendel.track.best",
    "compare": "mendel.track.compare",
    "define_metric": "mendel.track.verbs",
    "delete_tag": "mendel.track.verbs",
    "end_run": "mendel.track.verbs",
    "finish": "mendel.track.verbs",
    "get_experiment_df": "mendel.track.frame",
    "get_run": "mendel.track.verbs",
    "init": "mendel.track.verbs",
    "log": "mendel.track.verbs",
    "log_metric": "mendel.track.verbs",
    "log_metrics": "mendel.track.verbs",
    "log_param": "mendel.track.verbs",
    "log_params": "mendel.track.verbs",
    "log_time_series_metrics": "mendel.track.verbs",
    "runs": "mendel.track.runs",
    "set_note": "mendel.track.verbs",
    "set_tag": "mendel.track.verbs",
    "set_tags": "mendel.track.verbs",
    "start_run": "mendel.track.start",
    "track": "mendel.track.decorator",
}

__all__ = [
    "Experiment",
    "ExperimentRun",
    "Goal",
    "RunState",
    "Store",
    "active_run",
    "alert",
    "best",
    "compare",
    "define_metric",
    "delete_tag",
    "end_run",
    "finish",
    "get_experiment_df",
    "get_run",
    "init",
    "log",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_time_series_metrics",
    "runs",
    "set_note",
    "set_tag",
    "set_tags",
    "start_run",
    "track",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mendel' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
