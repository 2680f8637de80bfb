"""Joins capture to runs: what it may use of them, and when it works."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from mendel.journal.write import Writer
from mendel.track import background
from mendel.track.capture.session import CaptureSession

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.track.capture.settings import CaptureSettings
    from mendel.track.run import ExperimentRun

# By run: a run within another of this process has the same machine, environment and code.
_sessions: weakref.WeakValueDictionary[str, CaptureSession] = weakref.WeakValueDictionary()


def begin(run: ExperimentRun, wanted: CaptureSettings, *, parent: str | None, folder: Path) -> None:
    """Capture for a run until its end; ``folder`` is where its process stood when it began.

    What takes longer than a fraction of a millisecond happens in the background.
    """
    if run.ended:
        return
    made: list[Writer] = []

    def samples() -> Writer:
        made.append(Writer(run.store.journal_folder(run.id), run=run.id, aside=True))
        return made[0]

    files = run.store.run_folder(run.id) / "files"
    above = _sessions.get(parent) if parent else None
    session = _sessions[run.id] = CaptureSession(
        wanted, run, samples, files, like=above, folder=folder
    )
    session.begin()
    background.soon(session.gather, name="capture")
    tasks = []
    if wanted.system:
        background.soon(session.sample, name="system metrics")
        tasks.append(
            background.every(wanted.system_interval_s, session.sample, name="system metrics")
        )

    def end() -> None:
        for task in tasks:
            task.cancel()
        session.end()
        for writer in made:
            writer.close()

    run.before_end(end)
