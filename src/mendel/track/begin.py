"""Begins runs, goes on with them and joins them, as arguments or the environment say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from mendel.graph import clock
from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError
from mendel.graph.state import RunState
from mendel.graph.values import shorten
from mendel.track import environment, naming, person, session
from mendel.track.run import ExperimentRun
from mendel.track.run_vertex import experiment_name, find

if TYPE_CHECKING:
    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value
    from mendel.track.experiment import Experiment
    from mendel.track.store import Store

Resume = bool | Literal["allow", "must", "never"] | None


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
    name = naming.check_name(name or _named() or naming.run_name(run_id), "a run")
    body: dict[str, Value] = {
        "id": run_id,
        "name": name,
        "experiment": {"id": naming.experiment_id(store, experiment), "name": experiment},
        "created": clock.now(),
        "user": person.user(),
    }
    body |= _texts(
        parent=parent,
        group=group if group is not None else os.environ.get(session.GROUP) or None,
        job_type=job_type if job_type is not None else os.environ.get(session.JOB_TYPE) or None,
    )
    return ExperimentRun._begin(store, run_id, name, experiment, body, first_state=first_state)


def _named() -> str | None:
    """Return the name that the environment gives to the next run; an inherited one is another's."""
    inherited = os.environ.get(session.RUN_BY) is not None
    return None if inherited else os.environ.get(session.RUN_NAME) or None


def _texts(**given: object) -> dict[str, Value]:
    """Return what was given of some texts.

    Raises:
        WrongTypeError: something else was given.
    """
    for key, text in given.items():
        if text is not None and not isinstance(text, str):
            raise WrongTypeError(f"{key} must be text, not {type(text).__name__}.")
    return {key: text for key, text in given.items() if isinstance(text, str)}


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


def parent_of(parent: ExperimentRun | str | None, *, nested: bool) -> str | None:
    """Return the id of the run that a new one is to be part of, if of any.

    Raises:
        WrongTypeError: the parent is no run.
        NotFoundError: no run has that id or name.
    """
    if isinstance(parent, str):
        store = session.current_store()
        return parent.upper() if store.is_run(parent.upper()) else store.resolve_run(parent)
    if parent is not None:
        an_id = getattr(parent, "id", None)
        if not isinstance(an_id, str):
            raise WrongTypeError(
                f"parent must be a run, its id or its name, not {type(parent).__name__}."
            )
        return an_id
    if nested:
        active = session.active_run()
        return None if active is None else active.id
    return None


def inherited_parent() -> str | None:
    """Return the id of the run that the environment puts new ones under, if of any."""
    named = environment.named_run()
    if named is not None and named[1]:
        return named[0]
    above = os.environ.get(session.PARENT)
    return above if above and clock.is_id(above) else None


def go_on(
    name: str | None, resume: Resume, experiment: str | Experiment | None, run_id: str | None
) -> ExperimentRun | None:
    """Return the run to go on with, taken up; None where a new one is meant.

    Raises:
        InvalidError: resume is no known word, or names no run; a run_id that is none.
        NotFoundError: there is no such run.
    """
    if resume not in {None, False, True, "allow", "must", "never"}:
        raise InvalidError(
            f"resume={resume!r} means nothing; give True ('must'), False ('never') or 'allow'."
        )
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
    return new_run(name, experiment_name(None), run_id=run_id, parent=inherited_parent())


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
        last_step = _last_step(known) if known is not None and known.rewinds else None
    return ExperimentRun._attach(store, run_id, name, experiment, last_step=last_step)


def _last_step(known: RunRecord) -> int:
    """Return the last step that a rewind left to see, of series that are not the machine's."""
    from mendel.track.view import is_system

    shown = [series.last_step for key, series in known.series.items() if not is_system(key)]
    return max([known.rewinds[-1].step, *shown])


def from_vertex_environment() -> ExperimentRun | None:
    """Return the run that Vertex AI's variables name, taken up; made if it is not there."""
    name = os.environ.get(session.VERTEX_RUN)
    if not name or session.session.bound:
        return None
    session.session.bound = True
    experiment = os.environ.get(session.VERTEX_EXPERIMENT) or None
    found = find(name, experiment)
    if found is not None:
        return attach(*found)
    return new_run(name, experiment_name(experiment))
