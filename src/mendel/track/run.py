"""A run: one attempt at something, written down as it happens.

    with mendel.start_run("baseline") as run:
        run.config.update(lr=0.1, layers=[64, 64])
        for step in range(100):
            run.log({"loss": loss}, step)

What is logged is in the run's journal when the call returns; it survives the death of the process.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Self

from mendel.graph.errors import NotFoundError, StateError, WrongTypeError
from mendel.graph.run import RunState
from mendel.graph.values import shorten
from mendel.track import environment, session, states
from mendel.track.config import Tree
from mendel.track.finish import finish
from mendel.track.lifecycle import lifecycle
from mendel.track.recorder import Recorder
from mendel.track.run_lineage import RunLineageVerbs
from mendel.track.run_media import RunMediaVerbs
from mendel.track.run_reading import RunReading
from mendel.track.run_record import RunRecordVerbs
from mendel.track.run_show import RunShow
from mendel.track.run_vertex import RunVertexVerbs, experiment_name, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from mendel.graph.values import Value
    from mendel.track.experiment import Experiment
    from mendel.track.store import Store


class ExperimentRun(
    RunRecordVerbs, RunVertexVerbs, RunMediaVerbs, RunLineageVerbs, RunReading, RunShow
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

    def _set_up(self, store: Store, run_id: str, name: str, experiment: str) -> None:
        self.id = run_id
        self.store = store
        self._name = name
        self._experiment = experiment
        self._project: str | None = None
        self._location: str | None = None
        self._recorder: Recorder | None = None
        self._ended = False
        self._told_end: dict[str, Value] | None = None
        self._lock = threading.RLock()
        self._finishers: list[Callable[[], object]] = []
        self._params: dict[str, Value] | None = None
        self._metrics: dict[str, Value] | None = None
        self._note: str | None = None
        self.thread = threading.get_ident()
        self.log = self._first_log

    # -- begin --

    @classmethod
    def _begin(
        cls,
        store: Store,
        run_id: str,
        name: str,
        experiment: str,
        body: dict[str, Value],
        *,
        first_state: RunState = RunState.RUNNING,
    ) -> Self:
        """Make a new run, owned by this process; of several that make one id, one owns it."""
        self = cls.__new__(cls)
        self._set_up(store, run_id, name, experiment)
        recorder = Recorder(store, run_id, strict=session.strict())
        if not recorder.make_folder():
            self._join(recorder)
            return self
        recorder.claim()
        recorder.mark()
        writer = recorder.writer
        host = writer.info.host
        recorder.fact("run", {**body, "host": host})
        recorder.fact("state", {"state": first_state.value})
        self._params, self._metrics = {}, {}
        self._hold(recorder)
        return self

    @classmethod
    def _attach(
        cls, store: Store, run_id: str, name: str, experiment: str, *, last_step: int | None = None
    ) -> Self:
        """Go on with a run that is there: own it if nobody does, else join it.

        ``last_step`` is given where a rewind hides what the journals have above it.
        """
        self = cls.__new__(cls)
        self._set_up(store, run_id, name, experiment)
        recorder = Recorder(store, run_id, strict=session.strict())
        self._join(recorder)
        if last_step is not None and recorder.owner:
            recorder.writer.count_from(last_step)
        return self

    def _join(self, recorder: Recorder) -> None:
        recorder.mark()
        if recorder.claim():
            recorder.fact("state", {"state": RunState.RUNNING.value})
        self._hold(recorder)

    def _hold(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.log = recorder.writer.log
        lifecycle.watch(self)

    def _first_log(
        self, data: Mapping[str, Any], step: int | None = None, *, time: float | None = None
    ) -> None:
        self._open()
        self.log(data, step, time=time)

    def _open(self) -> Recorder:
        """Return the hand in the run, taken now if this run was only found."""
        recorder = self._recorder
        if recorder is not None:
            return recorder
        with self._lock:
            if self._recorder is None:
                if self._ended:
                    raise StateError(
                        f"run {self._name!r} has ended. Go on with it by start_run("
                        f"{self._name!r}, resume=True), or start another."
                    )
                recorder = Recorder(self.store, self.id, strict=session.strict())
                recorder.mark()
                self._hold(recorder)
            return self._recorder  # type: ignore[return-value]

    # -- what it is --

    @property
    def name(self) -> str:
        """Its name; not unique, `id` is."""
        return self._name

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

        if type(step) is not int:
            raise WrongTypeError(f"a step is an int, not {type(step).__name__} {step!r}.")
        recorder = self._open()
        with self._lock:
            writer = recorder.rotate()
            counts = Journal(self.store.journal_folder(self.id)).counts()
            before: dict[str, Value] = dict(counts)
            writer.fact("rewind", {"step": step, "before": before})
            writer.count_from(step)
            self.log = writer.log

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point (see `mendel.graph.digest`).

        Raises:
            StateError: the run has ended here.
        """
        self._open().writer.fact(kind, body, time=time)

    # -- the end --

    def before_end(self, fn: Callable[[], object]) -> None:
        """Call a function when the run is about to end here; what it raises is told, not raised."""
        self._finishers.append(fn)

    def end_run(self, *, state: Any = RunState.COMPLETE) -> None:
        """End the run, in bounded time. In a process that only joined it, let go of it.

        Args:
            state: how it ended: a state, or its text.

        Raises:
            InvalidError: no such state.
        """
        self.end_with_process({"state": states.as_state(state).value}, quick=False)

    def finish(self, exit_code: int | None = None) -> None:
        """End the run: COMPLETE, or FAILED with an exit code other than 0."""
        self.end_with_process(
            states.of_exit(exit_code) if exit_code else states.complete(), quick=False
        )

    def end_with_process(self, end: dict[str, Value], *, quick: bool) -> None:
        """End the run as told; ``quick`` leaves all that can be done later to readers."""
        with self._lock:
            if self._ended:
                return
            finish(self, self._recorder, end, quick=quick, finishers=self._finishers)
            self._ended = True
            self._recorder = None
            self.log = self._log_after_end
        lifecycle.forget(self)
        session.drop(self)
        environment.export(session.told_to_children())

    def _log_after_end(self, *_values: Any, **_more: Any) -> None:
        self._open()

    def tell(self, end: dict[str, Value]) -> None:
        """Write down how the process ends, while other threads may still log."""
        recorder = self._recorder
        if recorder is not None and recorder.owner:
            self._told_end = end
            recorder.fact("state", end)
            recorder.writer.flush()
        elif recorder is not None and end["state"] == RunState.FAILED:
            self._told_end = end
            self.alert(
                f"process {os.getpid()} failed",
                str(end.get("traceback") or end.get("reason") or ""),
                "ERROR",
            )

    @property
    def told_end(self) -> dict[str, Value] | None:
        """How the process said that the run ended, if it did so already."""
        return self._told_end

    def flush(self) -> None:
        """Have the disk take what was logged (a crash of the process loses nothing without it)."""
        if self._recorder is not None:
            self._recorder.writer.flush()

    def beat(self) -> None:
        """Give a sign of life."""
        if self._recorder is not None:
            self._recorder.beat()

    def pump(self) -> None:
        """Write what waits for room on the disk."""
        if self._recorder is not None:
            self._recorder.pump()

    def become_guest(self) -> None:
        """After a fork, in the child: the run is the parent's."""
        self._lock = threading.RLock()
        self._finishers = []
        if self._recorder is not None:
            self._recorder.become_guest()

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
