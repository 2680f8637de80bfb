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
    from mendel.graph.errors import AlreadyExistsError as AlreadyExistsError
    from mendel.graph.errors import ConflictError as ConflictError
    from mendel.graph.errors import CorruptError as CorruptError
    from mendel.graph.errors import InvalidError as InvalidError
    from mendel.graph.errors import MendelError as MendelError
    from mendel.graph.errors import MissingLibraryError as MissingLibraryError
    from mendel.graph.errors import NewerStoreError as NewerStoreError
    from mendel.graph.errors import NotFoundError as NotFoundError
    from mendel.graph.errors import ProtectedError as ProtectedError
    from mendel.graph.errors import QueryError as QueryError
    from mendel.graph.errors import ReadOnlyError as ReadOnlyError
    from mendel.graph.errors import StateError as StateError
    from mendel.graph.errors import StoreError as StoreError
    from mendel.graph.errors import WrongTypeError as WrongTypeError
    from mendel.graph.state import Goal as Goal
    from mendel.graph.state import RunState as RunState
    from mendel.track import gapic as gapic
    from mendel.track import metadata as metadata
    from mendel.track import schema as schema
    from mendel.track.artifact import Artifact as Artifact
    from mendel.track.artifact import lineage as lineage
    from mendel.track.best import best as best
    from mendel.track.compare import compare as compare
    from mendel.track.context import Context as Context
    from mendel.track.execution import Execution as Execution
    from mendel.track.execution import start_execution as start_execution
    from mendel.track.experiment import Experiment as Experiment
    from mendel.track.frame import get_experiment_df as get_experiment_df
    from mendel.track.lineage_verbs import log_artifact as log_artifact
    from mendel.track.lineage_verbs import log_artifacts as log_artifacts
    from mendel.track.lineage_verbs import log_classification_metrics as log_classification_metrics
    from mendel.track.lineage_verbs import log_dict as log_dict
    from mendel.track.lineage_verbs import log_figure as log_figure
    from mendel.track.lineage_verbs import log_histogram as log_histogram
    from mendel.track.lineage_verbs import log_html as log_html
    from mendel.track.lineage_verbs import log_image as log_image
    from mendel.track.lineage_verbs import log_table as log_table
    from mendel.track.lineage_verbs import log_text as log_text
    from mendel.track.lineage_verbs import make as make
    from mendel.track.lineage_verbs import use as use
    from mendel.track.run import ExperimentRun as ExperimentRun
    from mendel.track.runs import runs as runs
    from mendel.track.seeds import seed as seed
    from mendel.track.start import start_run as start_run
    from mendel.track.store import Store as Store
    from mendel.track.tracked import tracked as tracked
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
    "AlreadyExistsError": "mendel.graph.errors",
    "Artifact": "mendel.track.artifact",
    "ConflictError": "mendel.graph.errors",
    "Context": "mendel.track.context",
    "CorruptError": "mendel.graph.errors",
    "Execution": "mendel.track.execution",
    "Experiment": "mendel.track.experiment",
    "ExperimentRun": "mendel.track.run",
    "Goal": "mendel.graph.state",
    "InvalidError": "mendel.graph.errors",
    "MendelError": "mendel.graph.errors",
    "MissingLibraryError": "mendel.graph.errors",
    "NewerStoreError": "mendel.graph.errors",
    "NotFoundError": "mendel.graph.errors",
    "ProtectedError": "mendel.graph.errors",
    "QueryError": "mendel.graph.errors",
    "ReadOnlyError": "mendel.graph.errors",
    "RunState": "mendel.graph.state",
    "StateError": "mendel.graph.errors",
    "Store": "mendel.track.store",
    "StoreError": "mendel.graph.errors",
    "WrongTypeError": "mendel.graph.errors",
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
    "lineage": "mendel.track.artifact",
    "log": "mendel.track.verbs",
    "log_artifact": "mendel.track.lineage_verbs",
    "log_artifacts": "mendel.track.lineage_verbs",
    "log_classification_metrics": "mendel.track.lineage_verbs",
    "log_dict": "mendel.track.lineage_verbs",
    "log_figure": "mendel.track.lineage_verbs",
    "log_histogram": "mendel.track.lineage_verbs",
    "log_html": "mendel.track.lineage_verbs",
    "log_image": "mendel.track.lineage_verbs",
    "log_metric": "mendel.track.verbs",
    "log_metrics": "mendel.track.verbs",
    "log_param": "mendel.track.verbs",
    "log_params": "mendel.track.verbs",
    "log_table": "mendel.track.lineage_verbs",
    "log_text": "mendel.track.lineage_verbs",
    "log_time_series_metrics": "mendel.track.verbs",
    "make": "mendel.track.lineage_verbs",
    "runs": "mendel.track.runs",
    "seed": "mendel.track.seeds",
    "set_note": "mendel.track.verbs",
    "set_tag": "mendel.track.verbs",
    "set_tags": "mendel.track.verbs",
    "start_execution": "mendel.track.execution",
    "start_run": "mendel.track.start",
    "tracked": "mendel.track.tracked",
    "use": "mendel.track.lineage_verbs",
}
# public modules that live elsewhere
_MODULES = {
    "gapic": "mendel.track.gapic",
    "metadata": "mendel.track.metadata",
    "schema": "mendel.track.schema",
}

__all__ = [
    "AlreadyExistsError",
    "Artifact",
    "ConflictError",
    "Context",
    "CorruptError",
    "Execution",
    "Experiment",
    "ExperimentRun",
    "Goal",
    "InvalidError",
    "MendelError",
    "MissingLibraryError",
    "NewerStoreError",
    "NotFoundError",
    "ProtectedError",
    "QueryError",
    "ReadOnlyError",
    "RunState",
    "StateError",
    "Store",
    "StoreError",
    "WrongTypeError",
    "active_run",
    "alert",
    "best",
    "compare",
    "define_metric",
    "delete_tag",
    "end_run",
    "finish",
    "gapic",
    "get_experiment_df",
    "get_run",
    "init",
    "lineage",
    "log",
    "log_artifact",
    "log_artifacts",
    "log_classification_metrics",
    "log_dict",
    "log_figure",
    "log_histogram",
    "log_html",
    "log_image",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "log_time_series_metrics",
    "make",
    "metadata",
    "runs",
    "schema",
    "seed",
    "set_note",
    "set_tag",
    "set_tags",
    "start_execution",
    "start_run",
    "tracked",
    "use",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    home = _HOMES.get(name)
    if home is not None:
        found: object = getattr(import_module(home), name)
    elif name in _MODULES:
        found = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'mendel' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
