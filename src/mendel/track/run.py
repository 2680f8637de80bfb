"""A run: one attempt at something, written down as it happens.

    with mendel.start_run("baseline") as run:
        run.config.update(lr=0.1, layers=[64, 64])
        for step in range(100):
            run.log({"loss": loss}, step)

What is logged is in the run's journal when the call returns; it survives the death of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from mendel.graph.errors import NotFoundError, WrongTypeError
from mendel.graph.values import shorten
from mendel.track import states
from mendel.track.config import Tree
from mendel.track.run_life import RunLife
from mendel.track.run_lineage import RunLineageVerbs
from mendel.track.run_media import RunMediaVerbs
from mendel.track.run_reading import RunReading
from mendel.track.run_record import RunRecordVerbs
from mendel.track.run_show import RunShow
from mendel.track.run_vertex import RunVertexVerbs, experiment_name, find

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mendel.graph.values import Value
    from mendel.track.experiment import Experiment
    from mendel.track.store import Store


class ExperimentRun(
    RunLife, RunRecordVerbs, RunVertexVerbs, RunMediaVerbs, RunLineageVerbs, RunReading, RunShow
):
    """A run, begun here by `mendel.start_run`, or found: ``ExperimentRun("name", "experiment")``.

    A run that is found can be read and written to; its state stays as it is. Only the process that
    began a run, or resumed it, ends it.

    Args:
        run_name: its name (the newest of that name is meant), its id or its resource name.
        experiment: its experiment's name; None takes that which `mendel.init` set.
        project, location, credentials: taken as Vertex AI's; they have no effect.

    Attributes:
        id: a ULID, unique for ever.
        log: ``log(data, step=None, *, time=None)`` appends values to series; see below.

    Raises:
        NotFoundError: there is no such run.
    """

    id: str
    store: Store
    log: Callable[..., None]

    def __init__(
        self,
        run_name: str,
        experiment: str | Experiment | None = None,
        *,
        project: str | None = None,
        location: str | None = None,
        credentials: object = None,
    ) -> None:
        del credentials
        found = find(run_name, experiment)
        if found is None:
            where = experiment_name(experiment)
            raise NotFoundError(
                f"no run {shorten(run_name)!r} in experiment {where!r}. "
                f"ExperimentRun.list(experiment={where!r}) tells what there is."
            )
        store, run_id = found
        record = store.catalog.get_runs([run_id])[run_id]
        self._set_up(store, run_id, record.name, record.experiment)
        self._project, self._location = project, location

    # -- what it is --

    @property
    def experiment(self) -> str:
        """The name of its experiment."""
        return self._experiment

    @property
    def ended(self) -> bool:
        """Whether this process is done with it."""
        return self._ended

    @property
    def owner(self) -> bool:
        """Whether the end of this process is the end of the run."""
        return self._recorder is not None and self._recorder.owner

    @property
    def writable(self) -> bool:
        """Whether it takes more of what happens."""
        return not self._ended

    # -- short ways --

    @property
    def config(self) -> Tree:
        """Its params, by attribute or by item; setting one logs it. See `mendel.track.config`."""
        if self._params is None:
            self._params = dict(self.get_params())
        return Tree(self._params, self._keep_params, "param")

    @property
    def summary(self) -> Tree:
        """Its summary metrics, by attribute or by item; setting one logs it."""
        if self._metrics is None:
            self._metrics = dict(self.get_metrics())
        return Tree(self._metrics, self._keep_metrics, "metric")

    def _keep_params(self, changed: dict[str, Value]) -> None:
        self.fact("params", {"set": changed})

    def _keep_metrics(self, changed: dict[str, Value]) -> None:
        self.fact("metrics", {"set": changed})

    def child(self, name: str | None = None, **more: Any) -> ExperimentRun:
        """Begin a run within this one; takes what `mendel.start_run` takes.

        As a context manager it is the active run inside; to any depth, also in threads and tasks.
        """
        from mendel.track.start import start_run

        return start_run(name, parent=self, nested=True, **more)

    def rewind(self, step: int) -> None:
        """Go back to a step, as after loading its checkpoint.

        Points above the step, of all processes, become a hidden branch; what is logged from now on
        is what charts show. The next step without a number is ``step + 1``.

        Raises:
            WrongTypeError: the step is no int.
        """
        from mendel.journal.read import Journal

        check_rewind(step)
        recorder = self._open()
        with self._lock:
            writer = recorder.rotate()
            counts = Journal(self.store.journal_folder(self.id)).counts()
            before: dict[str, Value] = dict(counts)
            writer.fact("rewind", {"step": step, "before": before})
            writer.count_from(step)
            self.log = writer.log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end = states.complete() if kind is None else states.of_exception(kind, error, trace)
        self.end_with_process(end, quick=False)


def check_rewind(step: object) -> None:
    """Raise WrongTypeError where a run cannot be rewound to that."""
    if type(step) is not int:
        raise WrongTypeError(f"a step is an int, not {type(step).__name__} {step!r}.")
