"""Starts runs: begins or takes up the one that is meant, and makes it the active one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendel.track import config, environment, naming, notice, session
from mendel.track.background import soon
from mendel.track.begin import (
    from_environment,
    from_vertex_environment,
    go_on,
    inherited_parent,
    new_run,
    parent_of,
)
from mendel.track.disabled import DisabledRun
from mendel.track.run import check_rewind
from mendel.track.run_record import check_note, checked_tags
from mendel.track.run_vertex import experiment_name, vertex_only

if TYPE_CHECKING:
    from mendel.graph.values import Value
    from mendel.track.begin import Resume
    from mendel.track.capture.settings import CaptureSettings
    from mendel.track.experiment import Experiment
    from mendel.track.run import ExperimentRun


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
        InvalidError (a ValueError): no experiment is set (after Vertex AI's init); a bad name.
        NotFoundError: ``resume=True`` and there is no such run.
        WrongTypeError (a TypeError): a name, param or tag of a type that cannot be kept.
        StoreError: the store cannot be made, read or written.
    """
    if session.disabled():
        return DisabledRun(run or "disabled")
    vertex_only("start_run", tensorboard=tensorboard)
    _check(run, note, rewind_to)
    first_params = config.checked(params, "param") if params is not None else None
    first_tags = checked_tags(tags) if tags else None
    wanted = _capture_wanted(capture)
    above = parent_of(parent, nested=nested)
    started = go_on(run, resume, experiment, run_id) or new_run(
        run,
        experiment_name(experiment),
        parent=above or inherited_parent(),
        group=group,
        job_type=job_type,
        run_id=run_id,
    )
    _make_active(started, alone=not nested and parent is None)
    _tell(started, rewind_to, first_params, first_tags, note)
    _announce(started, wanted, above)
    return started


def _check(name: str | None, note: str | None, rewind_to: int | None) -> None:
    if name is not None:
        naming.check_name(name, "a run")
    check_note(note)
    if rewind_to is not None:
        check_rewind(rewind_to)


def _make_active(run: ExperimentRun, *, alone: bool) -> None:
    if alone:
        _end_active(run)
    session.push(run)
    environment.export(session.told_to_children())


def _tell(
    run: ExperimentRun,
    rewind_to: int | None,
    params: dict[str, Value] | None,
    tags: dict[str, Value] | None,
    note: str | None,
) -> None:
    if rewind_to is not None:
        run.rewind(rewind_to)
    if params:
        run.log_params(params)
    if tags:
        run.set_tags(tags)
    if note is not None:
        run.set_note(note)


def active_or_named() -> ExperimentRun | None:
    """Return the active run; where there is none, the one that the environment names, taken up."""
    run = session.active_run()
    if run is not None or session.disabled():
        return run
    found = None if session.session.bound else from_environment(None)
    if found is None:
        found = from_vertex_environment()
    if found is not None:
        session.push(found)
        _announce(found, _capture_wanted(None), None)
    return found


def _end_active(new: ExperimentRun) -> None:
    for run in reversed(session.own_active()):
        if run is new:
            continue
        if run.owner and run.name != new.name:
            notice.say(
                f"run {run.name!r} is ended, for {new.name!r} begins. nested=True keeps both open."
            )
        run.finish()


def _announce(run: ExperimentRun, wanted: CaptureSettings | None, parent: str | None) -> None:
    if not run.owner:
        return
    notice.say(f"run {run.name!r} of {run.experiment!r} · {run.url}")
    folder = Path.cwd()  # where the user stands now, not where the background finds itself

    def begin() -> None:
        from mendel.track.capture import hook, settings

        hook.begin(run, wanted or settings.settings(None), parent=parent, folder=folder)

    if wanted is None:  # loading it takes longer than all else
        soon(begin, name="capture")
    else:
        begin()


def _capture_wanted(given: object) -> CaptureSettings | None:
    """Return what is to be captured, None for the default, which needs no look.

    Raises:
        InvalidError, WrongTypeError: nothing that says so.
    """
    wanted = given if given is not None else session.session.capture
    if wanted is None and not os.environ.get("MENDEL_CAPTURE"):
        return None
    from mendel.track.capture.settings import settings

    return settings(wanted)
