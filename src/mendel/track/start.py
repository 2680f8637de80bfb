"""Begins runs, goes on with them, and joins them, as the caller or the environment says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from mendel.graph import clock
from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError
from mendel.graph.run import RunState
from mendel.graph.values import shorten
from mendel.track import config, environment, naming, notice, person, session
from mendel.track.capture.hook import begin as capture_run
from mendel.track.capture.settings import settings as capture_settings
from mendel.track.disabled import DisabledRun
from mendel.track.run import ExperimentRun
from mendel.track.run_vertex import experiment_name, find, vertex_only

if TYPE_CHECKING:
    from mendel.graph.values import Value
    from mendel.track.capture.settings import CaptureSettings
    from mendel.track.experiment import Experiment
    from mendel.track.store import Store

Resume = bool | Literal["allow", "must", "never"] | None


def start_run(
    run: str | None = None,
    *,
    tensorboard: object = None,
    resume: Resume = False,
    experiment: str | Experiment | None = None,
    parent: ExperimentRun | str | None = None,
    nested: bool = False,
    group: str | None = None,
    job_type: str | None = None,
    params: Any = None,
    tags: Any = None,
    note: str | None = None,
    capture: object = None,
    rewind_to: int | None = None,
    run_id: str | None = None,
) -> ExperimentRun:
    """Begin a run and make it the active one; a run that is active is ended as COMPLETE first.

    Use it plainly, or as a context manager: an exception inside makes the run FAILED.

    In a process whose environment names a run (``MENDEL_RUN``), that run is gone on with instead:
    under any name if a person or launcher named it; if this process only inherited it, when the
    name is left out or the same, and else the new run is its child.

    Args:
        run: its name, in any script; need not be new. None makes one of the time.
        tensorboard: taken as Vertex AI's, without effect.
        resume: True goes on with the newest run of that name: it is RUNNING again, params and
            metrics stay, steps count on. "allow" begins a new one where there is none.
        experiment: its experiment; None takes that of `init`, the environment, ``[tool.mendel]``,
            or the project folder's name.
        parent: the run that this one is part of.
        nested: be part of the active run, which stays open, and active again afterwards.
        group: a word that runs are aggregated by (seeds, folds).
        job_type: what it is for: train, evaluate, ….
        params: params to begin with.
        tags: tags to begin with, a dict or plain words.
        note: a note to begin with (Markdown).
        capture: what to capture by itself; None takes that of `init`.
        rewind_to: with a run that is gone on with: hide all points above this step.
        run_id: the id to begin it with, or of the run to go on with.

    Raises:
        InvalidError (a ValueError): no experiment is set and Vertex AI's arguments were used; a bad
            name or id.
        NotFoundError: ``resume=True`` and there is no such run.
        WrongTypeError (a TypeError): a name, param or tag of a type that cannot be kept.
        StoreError: the store cannot be made, read or written.
    """
    if session.disabled():
        return DisabledRun(run or "disabled")
    vertex_only("start_run", tensorboard=tensorboard)
    if run is not None:
        naming.check_name(run, "a run")
    first_params = config.checked(params, "param") if params is not None else None
    wanted = capture_settings(capture if capture is not None else session.session.capture)
    above = _parent(parent, nested=nested)
    started = _go_on(run, resume, experiment, run_id)
    if started is None:
        started = new_run(
            run,
            experiment_name(experiment),
            parent=above or _inherited_parent(),
            group=group,
            job_type=job_type,
            run_id=run_id,
        )
    if not nested and parent is None:
        _end_active(started)
    session.push(started)
    environment.export(session.told_to_children())
    if rewind_to is not None:
        started.rewind(rewind_to)
    if first_params:
        started.log_params(first_params)
    if tags:
        started.set_tags(tags)
    if note is not None:
        started.set_note(note)
    _announce(started, wanted, above)
    return started


def new_run(
    name: str | None,
    experiment: str,
    *,
    parent: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    run_id: str | None = None,
    first_state: RunState = RunState.RUNNING,
) -> ExperimentRun:
    """Make a run that is not active yet."""
    store = session.current_store()
    naming.check_name(experiment, "an experiment")
    run_id = checked_id(run_id) if run_id is not None else clock.new_id()
    name = naming.run_name(run_id) if name is None else naming.check_name(name, "a run")
    body: dict[str, Value] = {
        "id": run_id,
        "name": name,
        "experiment": {"id": naming.experiment_id(store, experiment), "name": experiment},
        "created": clock.now(),
        "user": person.user(),
    }
    more = {
        "parent": parent,
        "group": group if group is not None else os.environ.get(session.GROUP) or None,
        "job_type": job_type if job_type is not None else os.environ.get(session.JOB_TYPE) or None,
    }
    for key, text in more.items():
        if text is not None and not isinstance(text, str):
            raise WrongTypeError(f"{key} must be text, not {type(text).__name__}.")
        if text is not None:
            body[key] = text
    return ExperimentRun._begin(store, run_id, name, experiment, body, first_state=first_state)


def checked_id(run_id: object) -> str:
    """Return a run's id, or say what one is.

    Raises:
        InvalidError: it has not the form of an id.
    """
    if not isinstance(run_id, str) or not clock.is_id(run_id.upper()):
        raise InvalidError(
            f"{shorten(str(run_id))!r} is no run's id: 26 letters and digits, as run.id or "
            "mendel.graph.clock.new_id() give. To name a run, use its name."
        )
    return run_id.upper()


def _parent(parent: ExperimentRun | str | None, *, nested: bool) -> str | None:
    if isinstance(parent, str):
        store = session.current_store()
        return parent.upper() if store.is_run(parent.upper()) else store.resolve_run(parent)
    if parent is not None:
        return parent.id
    if nested:
        active = session.active_run()
        return None if active is None else active.id
    return None


def _inherited_parent() -> str | None:
    named = environment.named_run()
    if named is not None and named[1]:
        return named[0]
    above = os.environ.get(session.PARENT)
    return above if above and clock.is_id(above) else None


def _go_on(
    name: str | None, resume: Resume, experiment: str | Experiment | None, run_id: str | None
) -> ExperimentRun | None:
    """Return the run to go on with, taken up; None where a new one is meant."""
    store = session.current_store()
    if run_id is not None:
        run_id = checked_id(run_id)
        return attach(store, run_id) if store.is_run(run_id) else None
    if resume and resume != "never":
        if name is None:
            raise InvalidError("resume needs the name of the run, or run_id=….")
        found = find(name, experiment)
        if found is not None:
            return attach(*found)
        if resume != "allow":
            where = experiment_name(experiment)
            raise NotFoundError(
                f"no run {shorten(name)!r} in experiment {where!r} to go on with. "
                "resume='allow' begins a new one where there is none."
            )
        return None
    return from_environment(name) if not session.session.bound else None


def from_environment(name: str | None) -> ExperimentRun | None:
    """Return the run that the environment names, taken up; None where it names none for this."""
    named = environment.named_run()
    if named is None:
        return None
    run_id, inherited = named
    if inherited and name is not None and name != os.environ.get(session.RUN_NAME):
        return None
    store = session.current_store()
    if not clock.is_id(run_id):
        run_id = store.resolve_run(run_id)
    session.session.bound = True
    if store.is_run(run_id):
        return attach(store, run_id)
    return new_run(name, experiment_name(None), run_id=run_id, parent=_inherited_parent())


def attach(store: Store, run_id: str) -> ExperimentRun:
    """Go on with a run that is there: owned by this process if by no other, else joined."""
    inherited = environment.named_run() == (run_id, True)
    last_step = None
    if inherited:  # told by the parent process: spares the catalog
        name = os.environ.get(session.RUN_NAME, "")
        experiment = os.environ.get(session.EXPERIMENT, "")
    else:
        store.refresh([run_id])
        known = store.catalog.get_runs([run_id]).get(run_id)
        name = known.name if known is not None else run_id
        experiment = known.experiment if known is not None else ""
        if known is not None and known.rewinds:
            from mendel.track.view import is_system

            shown = [s.last_step for key, s in known.series.items() if not is_system(key)]
            last_step = max([known.rewinds[-1].step, *shown])
    return ExperimentRun._attach(store, run_id, name, experiment, last_step=last_step)


def active_or_named() -> ExperimentRun | None:
    """Return the active run; where there is none, the one that the environment names, taken up."""
    run = session.active_run()
    if run is not None or session.disabled():
        return run
    found = None if session.session.bound else from_environment(None)
    if found is None:
        found = _from_vertex_environment()
    if found is not None:
        session.push(found)
        _announce(found, capture_settings(session.session.capture), None)
    return found


def _from_vertex_environment() -> ExperimentRun | None:
    name = os.environ.get(session.VERTEX_RUN)
    if not name or session.session.bound:
        return None
    session.session.bound = True
    experiment = os.environ.get(session.VERTEX_EXPERIMENT) or None
    found = find(name, experiment)
    if found is not None:
        return attach(*found)
    return new_run(name, experiment_name(experiment))


def _end_active(new: ExperimentRun) -> None:
    for run in reversed(session.own_active()):
        if run is new:
            continue
        if run.owner and run.name != new.name:
            notice.say(
                f"run {run.name!r} is ended, for {new.name!r} begins. nested=True keeps both open."
            )
        run.finish()


def _announce(run: ExperimentRun, wanted: CaptureSettings, parent: str | None) -> None:
    if run.owner:
        notice.say(f"run {run.name!r} of {run.experiment!r} · {run.url}")
        capture_run(run, wanted, parent=parent)
