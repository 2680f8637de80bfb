"""A run with the names that Vertex AI's SDK gave to fingers: what it logs and what it tells.

Signatures, return values and error types are Vertex's. What it refused (lists, dicts, None, NumPy
scalars) is taken, and types come back as they went in.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from mendel.graph.errors import AlreadyExistsError, NotFoundError, WrongTypeError
from mendel.graph.state import RunState
from mendel.graph.values import shorten
from mendel.track import config, notice, session, states

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value
    from mendel.track.experiment import Experiment
    from mendel.track.run import ExperimentRun
    from mendel.track.store import Store


class RunVertexVerbs:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store
    log: Callable[..., None]
    _name: str
    _experiment: str
    _project: str | None
    _location: str | None
    _params: dict[str, Value] | None
    _metrics: dict[str, Value] | None

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point."""
        raise NotImplementedError

    # -- logging --

    def log_params(self, params: Any) -> None:
        """Log params; one that is there is replaced, others stay.

        Args:
            params: names to None, bool, int, float, str, datetime, list or dict, nested at will;
                also argparse's namespace, a dataclass, a pydantic model.

        Raises:
            WrongTypeError (a TypeError): a name or value that cannot be kept; nothing was logged.
        """
        kept = config.checked(params, "param")
        if self._params is not None:
            self._params.update(kept)
        self.fact("params", {"set": kept})

    def log_param(self, key: str, value: Any) -> Any:
        """Log one param, and return its value."""
        self.log_params({key: value})
        return value

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Log summary metrics: one value each, replaced when logged again. NaN and text are taken.

        With a step they are points of series, as in MLflow: the same as `log`.

        Raises:
            WrongTypeError (a TypeError): a name or value that cannot be kept; nothing was logged.
        """
        if step is not None:
            self.log(metrics, step)
            return
        kept = config.checked(metrics, "metric")
        if self._metrics is not None:
            self._metrics.update(kept)
        self.fact("metrics", {"set": kept})

    def log_metric(self, key: str, value: Any, step: int | None = None) -> None:
        """Log one summary metric, or with a step one point of a series."""
        self.log_metrics({key: value}, step)

    def log_time_series_metrics(
        self,
        metrics: Mapping[str, float],
        step: int | None = None,
        wall_time: Any = None,
    ) -> None:
        """Log one point to each of some series.

        Steps may come in any order and repeat; all points are kept.

        Args:
            metrics: names to numbers.
            step: None takes the last step of any series of the run + 1; the first is 1.
            wall_time: when: seconds since 1970, a datetime, or a protobuf ``Timestamp``; None: now.

        Raises:
            WrongTypeError (a TypeError): a name, a value, the step or time of a wrong type.
        """
        if wall_time is None:
            self.log(metrics, step)
        else:
            self.log(metrics, step, time=seconds(wall_time))

    def update_state(self, state: Any) -> None:
        """Set the run's state.

        Raises:
            InvalidError: no such state.
        """
        self.fact("state", {"state": states.as_state(state).value})

    # -- reading --

    def _record(self) -> RunRecord:
        self.store.refresh([self.id])
        found = self.store.catalog.get_runs([self.id]).get(self.id)
        if found is None:
            raise NotFoundError(f"run {self._name!r} ({self.id}) is not in {self.store.root}.")
        return found

    @property
    def state(self) -> RunState:
        """Where it stands now."""
        return self._record().state

    def get_state(self) -> str:
        """Return where it stands now, as text."""
        return self._record().state.value

    def get_params(self) -> dict[str, Value]:
        """Return all params that were logged, by any process, typed and nested as they went in."""
        return self._record().params

    def get_metrics(self) -> dict[str, Value]:
        """Return all summary metrics that were logged, by any process."""
        return self._record().metrics

    def get_time_series_data_frame(self) -> pd.DataFrame:
        """Return all points: columns ``step``, ``wall_time`` and one for each metric, by name.

        One row for each (step, wall_time), in that order; ``wall_time`` is a datetime in UTC.
        """
        from mendel.track.series import history_frame

        self.store.refresh([self.id])
        return history_frame(self.store, self._record())

    # -- names --

    @property
    def resource_id(self) -> str:
        """Its id."""
        return self.id

    @property
    def resource_name(self) -> str:
        """Its id as a path, in Vertex AI's form."""
        return (
            f"projects/{self.project}/locations/{self.location}/metadataStores/default/contexts/"
            f"{self.id}"
        )

    @property
    def project(self) -> str:
        """The project that `init` was given, else the store's folder name."""
        return self._project or session.session.project or self.store.root.parent.name or "-"

    @property
    def location(self) -> str:
        """The location that `init` was given, else ``local``."""
        return self._location or session.session.location or "local"

    # -- finding, making, deleting --

    @classmethod
    def create(
        cls,
        run_name: str,
        *,
        experiment: str | Experiment | None = None,
        tensorboard: object = None,
        state: Any = RunState.RUNNING,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> ExperimentRun:
        """Make a run without making it the active one.

        Raises:
            AlreadyExistsError: the experiment has a run of that name.
        """
        from mendel.track.begin import new_run

        del credentials
        vertex_only("ExperimentRun.create", tensorboard=tensorboard)
        found = find(run_name, experiment)
        if found is not None:
            raise AlreadyExistsError(
                f"experiment {experiment_name(experiment)!r} has a run {shorten(run_name)!r} "
                f"({found[1]}). Take another name, or ExperimentRun.get({run_name!r}) for that one."
            )
        run = new_run(run_name, experiment_name(experiment), first_state=states.as_state(state))
        run._project, run._location = project, location
        return run

    @classmethod
    def get(
        cls,
        run_name: str,
        *,
        experiment: str | Experiment | None = None,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> Self | None:
        """Return a run, None if there is none of that name."""
        del credentials
        found = find(run_name, experiment)
        if found is None:
            return None
        store, run_id = found
        record = store.catalog.get_runs([run_id])[run_id]
        return cls._known(store, run_id, record.name, record.experiment, (project, location))

    @classmethod
    def list(
        cls,
        *,
        experiment: str | Experiment | None = None,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> list[Self]:
        """Return the runs of an experiment, newest first.

        Raises:
            NotFoundError: no such experiment.
        """
        from mendel.catalog.contract import RunQuery

        del credentials
        store = session.current_store()
        store.refresh()
        where = experiment_name(experiment)
        store.catalog.get_experiment(where)
        ids = store.catalog.find_runs(RunQuery(experiments=(where,), limit=None)).ids
        [names] = store.catalog.columns(ids, ["name"])
        return [
            cls._known(store, run_id, str(name), where, (project, location))
            for run_id, name in zip(ids, names.values, strict=True)
        ]

    @classmethod
    def _known(
        cls,
        store: Store,
        run_id: str,
        name: str,
        experiment: str,
        place: tuple[str | None, str | None],
    ) -> Self:
        """Return a run that is there, not written to yet."""
        self = cls.__new__(cls)
        self._set_up(store, run_id, name, experiment)
        self._project, self._location = place
        return self

    def _set_up(self, store: Store, run_id: str, name: str, experiment: str) -> None:
        raise NotImplementedError

    def delete(self, *, delete_backing_tensorboard_run: bool = False) -> None:
        """Put the run into the trash; artifacts and executions stay. `mendel restore` has it back.

        Raises:
            ProtectedError: it is pinned.
        """
        del delete_backing_tensorboard_run
        self.store.decide("delete_run", self.id)


def experiment_name(experiment: str | Experiment | None) -> str:
    """Return the name of an experiment, of the current one for None.

    Raises:
        WrongTypeError: it is neither.
        InvalidError: none is given and none set.
    """
    if experiment is None:
        return session.current_experiment()
    name = experiment if isinstance(experiment, str) else getattr(experiment, "name", None)
    if not isinstance(name, str):
        raise WrongTypeError(
            f"experiment must be a name or an Experiment, not {type(experiment).__name__}."
        )
    return name


def find(run_name: str, experiment: str | Experiment | None) -> tuple[Store, str] | None:
    """Return the store and id of the newest run of a name (or of an id, or a resource name)."""
    from mendel.catalog.contract import RunQuery
    from mendel.track.resolve import quote

    if not isinstance(run_name, str):
        raise WrongTypeError(f"a run's name must be text, not {type(run_name).__name__}.")
    store = session.current_store()
    last = run_name.rpartition("/")[2]
    if store.is_run(last):
        store.refresh([last])
        known = store.catalog.get_runs([last]).get(last)
        return None if known is None or known.deleted is not None else (store, last)
    where = experiment_name(experiment)
    store.refresh()
    query = RunQuery(filter=f"name = {quote(run_name)}", experiments=(where,), limit=1)
    ids = store.catalog.find_runs(query).ids
    return (store, ids[0]) if ids else None


def seconds(wall_time: Any) -> float:
    """Return a time as seconds since 1970, from a number, a datetime or a protobuf Timestamp.

    A datetime without a zone is local time, as Python takes it.

    Raises:
        WrongTypeError: it is none of them.
    """
    if isinstance(wall_time, datetime):
        return wall_time.timestamp()
    if isinstance(wall_time, int | float) and not isinstance(wall_time, bool):
        return float(wall_time)
    whole, nanos = getattr(wall_time, "seconds", None), getattr(wall_time, "nanos", None)
    if isinstance(whole, int) and isinstance(nanos, int):
        return whole + nanos / 1e9
    timestamp = getattr(wall_time, "timestamp", None)
    if callable(timestamp):
        return float(timestamp())
    raise WrongTypeError(
        f"wall_time is {type(wall_time).__name__}; give seconds since 1970, a datetime or a "
        "protobuf Timestamp."
    )


def vertex_only(verb: str, **given: object) -> None:
    """Note once that arguments of Vertex AI have no effect here."""
    names = sorted(name for name, value in given.items() if value is not None)
    if names:
        notice.once(
            f"{verb} {names}",
            f"{verb}: {', '.join(names)} {'has' if len(names) == 1 else 'have'} no effect here; "
            f"everything is kept in {session.current_store().root}.",
        )
