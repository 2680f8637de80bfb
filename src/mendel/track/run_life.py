"""What holds a run to its process: beginning, writing, signs of life, and the end."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Self

from mendel.graph import process
from mendel.graph.errors import StateError
from mendel.graph.state import RunState
from mendel.track import environment, session, states
from mendel.track.finish import finish, seal_some
from mendel.track.lifecycle import lifecycle
from mendel.track.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mendel.graph.values import Value
    from mendel.track.store import Store

MUCH = 100_000  # records that wait, from which on cataloguing begins before the end


class RunLife:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store
    log: Callable[..., None]

    @property
    def name(self) -> str:
        """Its name; not unique, `id` is."""
        return self._name

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
        self._catalogued = 0  # records of this process that the catalog has, at least
        self._warm = False
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
        recorder.fact("run", {**body, "host": process.host()})
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
            alert: dict[str, Value] = {
                "title": f"process {os.getpid()} failed",
                "text": str(end.get("traceback") or end.get("reason") or ""),
                "level": "ERROR",
            }
            recorder.fact("alert", alert)

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

    def keep_up(self) -> None:
        """Catalogue and compress what was written, once it is much."""
        recorder = self._recorder
        if recorder is None or recorder.forked:
            return
        if not self._warm:  # the end of the run would wait for this import
            self._warm = True
            from mendel.catalog.sql import catalog as _catalog  # noqa: F401
        written = recorder.writer.ordinal
        if written - self._catalogued < MUCH:
            return
        self._catalogued = written
        self.store.refresh([self.id])
        seal_some(self, budget_s=1.0, live=[recorder.writer.id])

    def become_guest(self) -> None:
        """After a fork, in the child: the run is the parent's."""
        self._lock = threading.RLock()
        self._finishers = []
        if self._recorder is not None:
            self._recorder.become_guest()
