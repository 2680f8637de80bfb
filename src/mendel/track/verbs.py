"""The module's verbs: they write to the active run, or to the one that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError
from mendel.graph.state import Goal, RunState
from mendel.track import naming, session
from mendel.track.disabled import DisabledRun
from mendel.track.run import ExperimentRun
from mendel.track.run_vertex import vertex_only
from mendel.track.start import active_or_named

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from mendel.track.store import Store


def init(
    *,
    project: str | None = None,
    location: str | None = None,
    experiment: str | None = None,
    experiment_description: str | None = None,
    experiment_tensorboard: object = None,
    staging_bucket: str | None = None,
    credentials: object = None,
    encryption_spec_key_name: str | None = None,
    network: str | None = None,
    service_account: str | None = None,
    api_endpoint: str | None = None,
    api_key: str | None = None,
    api_transport: str | None = None,
    request_metadata: object = None,
    store: Store | str | os.PathLike[str] | None = None,
    strict: bool | None = None,
    capture: object = None,
) -> None:
    """Set what runs are begun with. Call it first, or not at all: a run needs none of it.

    Args:
        experiment: the experiment of the runs that follow; made if it is not there. Another one
            leaves the active run.
        experiment_description: what it is about.
        store: where everything is kept; see `mendel.track.store.Store.open`.
        strict: raise what concerns the record only (a full disk), instead of counting and telling.
        capture: what runs capture by themselves.
        project: kept for resource names; another one resets experiment and run, as in Vertex AI.
        location: as project.
        experiment_tensorboard: Vertex AI's, like those below; without effect, which is said once.
        staging_bucket: as above.
        credentials: as above.
        encryption_spec_key_name: as above.
        network: as above.
        service_account: as above.
        api_endpoint: as above.
        api_key: as above.
        api_transport: as above.
        request_metadata: as above.

    Raises:
        InvalidError (a ValueError): a description without an experiment; a bad name.
        WrongTypeError (a TypeError): a name that is no text.
    """
    _check_experiment(experiment, experiment_description)
    if session.disabled():
        return
    if store is not None:
        session.use_store(store)
    _far_away(
        project,
        location,
        experiment_tensorboard=experiment_tensorboard,
        staging_bucket=staging_bucket,
        credentials=credentials,
        encryption_spec_key_name=encryption_spec_key_name,
        network=network,
        service_account=service_account,
        api_endpoint=api_endpoint,
        api_key=api_key,
        api_transport=api_transport,
        request_metadata=request_metadata,
    )
    now = session.session
    now.strict = now.strict if strict is None else strict
    now.capture = now.capture if capture is None else capture
    if experiment is not None:
        _enter(experiment, experiment_description)


def _check_experiment(name: str | None, description: str | None) -> None:
    if description is not None and name is None:
        raise InvalidError("experiment_description needs experiment: which one does it describe?")
    if name is not None:
        naming.check_name(name, "an experiment")


def _far_away(project: str | None, location: str | None, **far: object) -> None:
    """Take what only means something in Vertex AI; another project leaves run and experiment."""
    vertex_only("init", **far)
    now = session.session
    if any(value is not None for value in (project, location, *far.values())):
        now.like_vertex = True
    before = now.project, now.location
    now.project, now.location = project or now.project, location or now.location
    if any(before) and before != (now.project, now.location):
        _leave_active()
        now.experiment = None


def _enter(experiment: str, description: str | None) -> None:
    from mendel.track.experiment import note_experiment

    if experiment != session.session.experiment:
        _leave_active()
    session.session.experiment = experiment
    note_experiment(experiment, description)


def _leave_active() -> None:
    for run in reversed(session.own_active()):
        run.finish()


def end_run(state: Any = RunState.COMPLETE) -> None:
    """End the active run.

    Args:
        state: how it ended.

    Raises:
        InvalidError (a ValueError): no run is active, or no such state.
    """
    run = session.active_run()
    if run is None:
        if session.disabled():
            return
        raise InvalidError("no run is active, so none can be ended. start_run() begins one.")
    run.end_run(state=state)


def finish(exit_code: int | None = None) -> None:
    """End the active run, if there is one: COMPLETE, or FAILED with an exit code other than 0."""
    run = session.active_run()
    if run is not None:
        run.finish(exit_code)


def active_run() -> ExperimentRun | None:
    """Return the run that the verbs write to, or None."""
    return session.active_run()


def needed_run(verb: str) -> ExperimentRun:
    """Return the run that a verb writes to.

    Raises:
        InvalidError: none is active.
    """
    run = active_or_named()
    if run is None:
        if session.disabled():
            return _off
        raise InvalidError(
            f"{verb} needs an active run. Begin one with mendel.start_run(), or name one with "
            f"{session.RUN} in the environment."
        )
    return run


def log(data: Mapping[str, Any], step: int | None = None, *, time: float | None = None) -> None:
    """Append values to series of the active run; see `ExperimentRun.log`.

    ``run.log`` is the same and a little faster.

    Raises:
        InvalidError (a ValueError): no run is active.
        WrongTypeError (a TypeError): a key or value that cannot be kept; nothing was logged.
    """
    run = session.active_run()
    (run if run is not None else needed_run("log")).log(data, step, time=time)


def log_params(params: Any) -> None:
    """Log params of the active run; see `ExperimentRun.log_params`."""
    needed_run("log_params").log_params(params)


def log_param(key: str, value: Any) -> Any:
    """Log one param of the active run, and return its value."""
    return needed_run("log_param").log_param(key, value)


def log_metrics(metrics: Any, step: int | None = None) -> None:
    """Log summary metrics of the active run; see `ExperimentRun.log_metrics`."""
    needed_run("log_metrics").log_metrics(metrics, step)


def log_metric(key: str, value: Any, step: int | None = None) -> None:
    """Log one summary metric of the active run, or with a step one point of a series."""
    needed_run("log_metric").log_metric(key, value, step)


def log_time_series_metrics(
    metrics: Mapping[str, float], step: int | None = None, wall_time: Any = None
) -> None:
    """Log one point to each of some series; see `ExperimentRun.log_time_series_metrics`."""
    needed_run("log_time_series_metrics").log_time_series_metrics(metrics, step, wall_time)


def set_tags(tags: Any) -> None:
    """Set tags of the active run; see `ExperimentRun.set_tags`."""
    needed_run("set_tags").set_tags(tags)


def set_tag(key: str, value: Any = True) -> None:
    """Set one tag of the active run."""
    needed_run("set_tag").set_tag(key, value)


def delete_tag(key: str) -> None:
    """Take a tag of the active run away."""
    needed_run("delete_tag").delete_tag(key)


def set_note(text: str | None) -> None:
    """Set the active run's note (Markdown; None removes it)."""
    needed_run("set_note").set_note(text)


def define_metric(
    name: str,
    goal: str | Goal | None = None,
    *,
    step_metric: str | None = None,
    summary: str | None = None,
) -> None:
    """Say which way a metric is better and what it is drawn over; see `ExperimentRun`."""
    needed_run("define_metric").define_metric(name, goal, step_metric=step_metric, summary=summary)


def alert(title: str, text: str = "", level: str = "INFO") -> None:
    """Note something in the active run that a person should look at."""
    needed_run("alert").alert(title, text, level)


def get_run(run: str) -> ExperimentRun:
    """Return a run by id, part of an id, name, or ``experiment/name``; the newest of a name.

    Raises:
        NotFoundError: there is none; near names are said.
    """
    store = session.current_store()
    return ExperimentRun(store.resolve_run(run))


_off = DisabledRun("disabled")
