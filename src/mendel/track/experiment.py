"""An experiment: a named set of runs. A name may be a path: ``team/churn/gbdt``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from mendel.graph import clock
from mendel.graph.errors import AlreadyExistsError, MendelError, NotFoundError, did_you_mean
from mendel.graph.values import MISSING, shorten
from mendel.track import naming, notice, session

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mendel.graph.run import ExperimentRecord
    from mendel.graph.values import Value
    from mendel.track.runs import Runs
    from mendel.track.store import Store


class Experiment:
    """An experiment that is there: ``Experiment("churn")``; `create` makes one.

    Args:
        experiment_name: its name, its id or its resource name.
        project, location, credentials: taken as Vertex AI's; they have no effect.

    Raises:
        NotFoundError: there is none; near names are said.
    """

    def __init__(
        self,
        experiment_name: str,
        *,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> None:
        del credentials
        self._store = session.current_store()
        self._project, self._location = project, location
        self._known = _look_up(self._store, experiment_name)

    @classmethod
    def create(
        cls,
        experiment_name: str,
        *,
        description: str | None = None,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> Self:
        """Make an experiment.

        Raises:
            AlreadyExistsError: there is one of that name.
        """
        naming.check_name(experiment_name, "an experiment")
        store = session.current_store()
        store.refresh()
        if any(known.name == experiment_name for known in store.catalog.experiments()):
            raise AlreadyExistsError(
                f"there is an experiment {shorten(experiment_name)!r}. Experiment.get_or_create "
                "takes it, or makes one where there is none."
            )
        _write_down(store, experiment_name, description)
        return cls(experiment_name, project=project, location=location, credentials=credentials)

    @classmethod
    def get(
        cls,
        experiment_name: str,
        *,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> Self | None:
        """Return an experiment, None if there is none of that name."""
        try:
            return cls(experiment_name, project=project, location=location, credentials=credentials)
        except NotFoundError:
            return None

    @classmethod
    def get_or_create(
        cls,
        experiment_name: str,
        *,
        description: str | None = None,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> Self:
        """Return an experiment, made if it was not there; a new description is taken over."""
        found = cls.get(
            experiment_name, project=project, location=location, credentials=credentials
        )
        if found is None:
            return cls.create(
                experiment_name, description=description, project=project, location=location
            )
        if description is not None and description != found.description:
            found.describe(description)
        return found

    @classmethod
    def list(
        cls,
        *,
        filter: str | None = None,  # noqa: A002 - Vertex AI's name
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> list[Self]:
        """Return the experiments, by name.

        Args:
            filter: AIP-160, for instance ``display_name="churn*" AND
                create_time > "2026-11-01T00:00:00Z"`` (docs/reference/search.md); or plain words:
                a part of the name, in any case.
            project: kept for resource names.
            location: as project.
            credentials: taken as Vertex AI's, without effect.

        Raises:
            QueryError: the filter cannot be read; the error points at the character.
        """
        del credentials
        wanted = _wanted(filter or "")
        store = session.current_store()
        store.refresh()
        out = []
        for known in store.catalog.experiments():
            if not wanted(known):
                continue
            one = cls.__new__(cls)
            one._store, one._known = store, known
            one._project, one._location = project, location
            out.append(one)
        return out

    @property
    def name(self) -> str:
        """Its name."""
        return self._known.name

    @property
    def id(self) -> str:
        """Its id."""
        return self._known.id

    @property
    def description(self) -> str | None:
        """What it is about, if anybody said."""
        return self._known.description

    @property
    def record(self) -> ExperimentRecord:
        """Everything that is known of it, read again."""
        self._store.refresh()
        self._known = self._store.catalog.get_experiment(self._known.id)
        return self._known

    @property
    def resource_name(self) -> str:
        """Its id as a path, in Vertex AI's form."""
        project = self._project or session.session.project or self._store.root.parent.name or "-"
        location = self._location or session.session.location or "local"
        return f"projects/{project}/locations/{location}/metadataStores/default/contexts/{self.id}"

    @property
    def dashboard_url(self) -> str:
        """How to see it: the command line that lists its runs."""
        return f"mendel runs --experiment {self.name!r}"

    @property
    def backing_tensorboard_resource_name(self) -> None:
        """None: series need no other service here."""
        return

    def get_backing_tensorboard_resource(self) -> None:
        """Return None: series need no other service here."""

    def assign_backing_tensorboard(self, tensorboard: object) -> None:
        """Take a TensorBoard as Vertex AI does, without effect."""
        from mendel.track.run_vertex import vertex_only

        vertex_only("assign_backing_tensorboard", tensorboard=tensorboard)

    def describe(self, description: str | None) -> None:
        """Set what it is about (None: nothing)."""
        self._store.decide("describe_experiment", self.id, description=description)
        self._known = self._store.catalog.get_experiment(self.id)

    def rename(self, name: str) -> None:
        """Give it another name; scripts that use the old one go on writing to it.

        Raises:
            AlreadyExistsError: another has that name.
        """
        naming.check_name(name, "an experiment")
        self._store.decide("rename_experiment", self.id, name=name)
        self._known = self._store.catalog.get_experiment(self.id)

    def delete(self, *, delete_backing_tensorboard_runs: bool = False) -> None:
        """Put it into the trash with its runs; artifacts and executions stay.

        ``mendel restore -e NAME`` has it back.

        Raises:
            ProtectedError: one of its runs is pinned.
        """
        del delete_backing_tensorboard_runs
        self._store.decide("delete_experiment", self.id)
        if session.session.experiment == self.name:
            session.session.experiment = None

    def get_data_frame(self, *, include_time_series: bool = True) -> pd.DataFrame:
        """Return its runs as a pandas data frame; see `mendel.get_experiment_df`."""
        from mendel.track.frame import experiment_frame

        return experiment_frame(self._store, self.name, include_time_series=include_time_series)

    def runs(self, filter: str = "") -> Runs:  # noqa: A002 - the word that everyone uses
        """Return its runs that match a filter; see `mendel.runs`."""
        from mendel.track.runs import Runs, Search

        return Runs(Search(experiments=(self.name,)), self._store).where(filter)

    def __repr__(self) -> str:
        return f"<experiment {self.name!r}, {self.id}>"


def _wanted(text: str) -> Callable[[ExperimentRecord], bool]:
    """Return what tells whether an experiment passes a filter: AIP-160, or a part of its name.

    Raises:
        QueryError: it has a sign of AIP-160 in it and cannot be read.
    """
    if not any(sign in text for sign in "=<>:("):
        return lambda known: text.casefold() in known.name.casefold()
    from mendel.graph import aip
    from mendel.graph.query import matches

    expr = aip.parse(text)
    return lambda known: matches(expr, lambda field: _as_context(known).get(field, MISSING))


def _as_context(known: ExperimentRecord) -> dict[str, Value]:
    """Return what a filter may ask of an experiment, in the words of contexts."""
    told: dict[str, Value] = {
        "id": known.id,
        "display_name": known.name,
        "schema_title": "system.Experiment",
        "description": known.description,
        "created": known.created,
        "updated": known.updated or known.last_activity or known.created,
    }
    return {field: value for field, value in told.items() if value is not None}


def _look_up(store: Store, name: str) -> ExperimentRecord:
    naming.check_name(name, "an experiment")
    store.refresh()
    for candidate in dict.fromkeys((name, name.rpartition("/contexts/")[2])):
        try:
            return store.catalog.get_experiment(candidate)
        except NotFoundError:
            continue
    known = [experiment.name for experiment in store.catalog.experiments()]
    raise NotFoundError(
        f"no experiment {shorten(name)!r} in {store.root}{did_you_mean(name, known)}"
    )


def _write_down(store: Store, name: str, description: str | None) -> None:
    body: dict[str, Value] = {
        "id": naming.experiment_id(store, name),
        "name": name,
        "created": clock.now(),
    }
    if description is not None:
        body["description"] = description
    store.ledger.fact("experiment", body)


def note_experiment(name: str, description: str | None) -> None:
    """Make an experiment that `init` names, if it is new; update what it is about, if different.

    Names that were noted before cost one small read. Nothing here keeps training from starting.
    """
    store = session.current_store()
    try:
        if description is not None:
            Experiment.get_or_create(name, description=description)
        elif not store.read_only and not naming.is_noted(store, name):
            _write_down(store, name, None)
    except (MendelError, OSError) as error:
        notice.warn(f"experiment {name!r} could not be noted now: {error}")
