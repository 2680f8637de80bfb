"""What this process works with: its store, its experiment, its active runs.

One session a process. What is not set here comes from the environment and from ``[tool.mendel]``,
so that an unmodified script logs to the run that its launcher names.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError
from mendel.track import place
from mendel.track.store import Store

if TYPE_CHECKING:
    from mendel.track.run import ExperimentRun

RUN = "MENDEL_RUN"  # the id of the run to write to
RUN_BY = "MENDEL_RUN_BY"  # the pid of the process that has that run; none: a person named it
RUN_NAME = "MENDEL_RUN_NAME"
PARENT = "MENDEL_PARENT_RUN"
EXPERIMENT = "MENDEL_EXPERIMENT"
GROUP = "MENDEL_RUN_GROUP"
JOB_TYPE = "MENDEL_JOB_TYPE"
MODE = "MENDEL_MODE"
STRICT = "MENDEL_STRICT"
VERTEX_EXPERIMENT = "AIP_EXPERIMENT_NAME"
VERTEX_RUN = "AIP_EXPERIMENT_RUN_NAME"

# runs that were begun in this context (a task, a thread), innermost last
_here: ContextVar[tuple[ExperimentRun, ...]] = ContextVar("mendel_runs", default=())


class Session:
    """See the top of this file."""

    def __init__(self) -> None:
        self.experiment: str | None = None
        self.project: str | None = None
        self.location: str | None = None
        self.like_vertex = False  # init was given what only Vertex AI knows
        self.strict: bool | None = None
        self.capture: object = None
        self.bound = False  # the run that the environment names was begun here
        self.stack: list[ExperimentRun] = []  # of the main thread, innermost last
        self.store: Store | None = None
        # what the store was found by; None: init
        self.found_from: tuple[str | None, str] | None = None
        self.lock = threading.RLock()


session = Session()


def current_store() -> Store:
    """Return the store that this process works with, opened (or made) at the first use.

    Raises:
        NewerStoreError, StoreError: see `Store.open`.
    """
    with session.lock:
        if session.store is not None and session.found_from is None:
            return session.store
        found_from = (os.environ.get(place.ENVIRONMENT), str(Path.cwd()))
        if session.store is None or (session.found_from != found_from and not session.stack):
            found = place.find()
            if session.store is None or found != session.store.root:
                session.store = Store.open()
            session.found_from = found_from
        return session.store


def use_store(store: Store | str | os.PathLike[str]) -> Store:
    """Work with a store from now on."""
    with session.lock:
        session.store = store if isinstance(store, Store) else Store.open(store)
        session.found_from = None
        return session.store


def named_experiment() -> str | None:
    """Return the experiment that init or the environment names, or None."""
    return (
        session.experiment
        or os.environ.get(EXPERIMENT)
        or os.environ.get(VERTEX_EXPERIMENT)
        or None
    )


def current_experiment() -> str:
    """Return the name of the experiment that runs are begun in.

    That which `init` or the environment names, then ``[tool.mendel] experiment``, then the name of
    the project's folder; the last not after an `init` with Vertex AI's arguments, whose users
    expect its error.

    Raises:
        InvalidError: none is named, and Vertex AI's way is followed.
    """
    named = named_experiment() or place.settings().get("experiment")
    if isinstance(named, str) and named:
        return named
    if session.like_vertex:
        raise InvalidError("no experiment is set. Set one with init(experiment='my-experiment').")
    root = current_store().root
    folder = root.parent if root.name == place.FOLDER else Path.cwd()
    return folder.name or "default"


def strict() -> bool:
    """Tell whether problems of the record are raised: ``init(strict=True)`` or MENDEL_STRICT."""
    if session.strict is not None:
        return session.strict
    return is_on(os.environ.get(STRICT))


def disabled() -> bool:
    """Tell whether ``MENDEL_MODE=disabled`` turns everything off."""
    mode = os.environ.get(MODE, "").strip().lower()
    if mode in {"", "on", "enabled", "online", "offline"}:
        return False
    if mode in {"disabled", "off"}:
        return True
    raise InvalidError(f"{MODE}={mode!r} is unknown; there are: 'enabled', 'disabled'.")


def is_on(text: str | None) -> bool:
    """Tell whether an environment variable's text means yes."""
    return (text or "").strip().lower() not in {"", "0", "false", "no", "off"}


# -- active runs --


def active_run() -> ExperimentRun | None:
    """Return the run that the verbs write to: of this context first, then of the main thread."""
    for run in reversed(_here.get()):
        if not run.ended:
            return run
    for run in reversed(session.stack):
        if not run.ended:
            return run
    return None


def own_active() -> list[ExperimentRun]:
    """Return the runs that a new one in this context ends or nests in, innermost last."""
    mine = [run for run in _here.get() if not run.ended]
    if mine or threading.current_thread() is not threading.main_thread():
        return mine
    return [run for run in session.stack if not run.ended]


def push(run: ExperimentRun) -> None:
    """Make a run the active one of this context."""
    _here.set((*(other for other in _here.get() if not other.ended), run))
    if threading.current_thread() is threading.main_thread():
        session.stack = [*(other for other in session.stack if not other.ended), run]


def drop(run: object) -> None:
    """Take a run that ended from the active ones."""
    _here.set(tuple(other for other in _here.get() if other is not run))
    session.stack = [other for other in session.stack if other is not run]


def told_to_children() -> ExperimentRun | None:
    """Return the run that child processes are told of: the innermost of the main thread's."""
    return next((run for run in reversed(session.stack) if not run.ended), None)
