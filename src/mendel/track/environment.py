"""Tells child processes which run is active, so that they find it by their environment alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mendel.track import place, session

if TYPE_CHECKING:
    from mendel.track.run import ExperimentRun

_before: dict[str, str | None] | None = None


def export(run: ExperimentRun | None) -> None:
    """Put a run into the environment; None puts back what was there before the first."""
    global _before  # noqa: PLW0603 - the environment is the process's own
    if run is None:
        for name, text in (_before or {}).items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
        _before = None
        return
    told = {
        place.ENVIRONMENT: str(run.store.root),
        session.RUN: run.id,
        session.RUN_BY: str(os.getpid()),
        session.RUN_NAME: run.name,
        session.EXPERIMENT: run.experiment,
    }
    if _before is None:
        _before = {name: os.environ.get(name) for name in told}
    os.environ.update({name: text.replace("\0", "") for name, text in told.items()})


def named_run() -> tuple[str, bool] | None:
    """Return the run that the environment names, and whether this process inherited it.

    Inherited: the process that has the run began this one. Otherwise a person or a launcher named
    it. None is what this process exported itself.
    """
    run_id = os.environ.get(session.RUN)
    if not run_id:
        return None
    by = os.environ.get(session.RUN_BY)
    if by is None:
        return run_id, False
    return None if by == str(os.getpid()) else (run_id, True)
