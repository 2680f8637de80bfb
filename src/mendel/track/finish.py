"""Ends a run in bounded time: last words, the disk, the catalog, and what can wait for readers.

Nothing here raises into the caller: when the journal is closed the record is safe, and whatever was
not done (catalogue, compress) the next reader does.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from mendel.graph.errors import MendelError
from mendel.track import notice
from mendel.track.background import background

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from mendel.graph.values import Value
    from mendel.track.recorder import Recorder
    from mendel.track.run_life import RunLife

TIMEOUT = "MENDEL_FINISH_TIMEOUT"  # seconds
PATIENCE = 10.0  # seconds that the end of a run may wait for the catalog
SEAL = 5.0  # seconds of compressing after the end of a run, if the process lives that long


def finish(
    run: RunLife,
    recorder: Recorder | None,
    end: dict[str, Value],
    *,
    quick: bool,
    finishers: Sequence[Callable[[], object]],
) -> None:
    """End a run as told, or in a process that only joined it let go of it.

    ``quick`` is for the end by a signal: no catalog, no waiting.
    """
    if not quick:
        background.drain(_patience())
    for fn in finishers:
        try:
            fn()
        except Exception as error:  # noqa: BLE001 - what capture does must not keep a run from ending
            notice.once(f"finisher {fn}", f"{_name(fn)} failed: {type(error).__name__}: {error}")
    if recorder is None:  # found, and not written to
        return
    owner = recorder.owner
    _last_words(run, recorder, end, owner=owner)
    recorder.close()
    if not owner:
        return
    if not quick:
        _catalogue(run)
    _say(run, end)


def _last_words(run: RunLife, recorder: Recorder, end: dict[str, Value], *, owner: bool) -> None:
    if not owner or recorder.writer.closed:
        return
    if run.told_end != end:  # else it was said when it happened
        recorder.fact("state", end)


def _catalogue(run: RunLife) -> None:
    """Take the run into the catalog and compress it, waiting only so long."""

    def work() -> None:
        try:
            run.store.refresh([run.id])
        except (MendelError, OSError, ImportError) as error:
            notice.once(
                "catalogue",
                f"run {run.name!r} is safe in its journal; it could not be catalogued now "
                f"({error}). The next `mendel runs` does it.",
            )
            return
        background.soon(lambda: _settle(run), name="compressing")

    done = background.soon(work, name="cataloguing")
    if not done.wait(_patience()):
        notice.once(
            "catalogue late",
            f"run {run.name!r} is safe in its journal; cataloguing takes long and is left to the "
            "next reader.",
        )


def _settle(run: RunLife) -> None:
    """Compress the run's journal, beside whatever the process does next."""
    if seal_some(run, budget_s=SEAL):
        _unmark(run)


def seal_some(run: RunLife, *, budget_s: float, live: Collection[str] = ()) -> bool:
    """Compress finished segments of a run; tell whether that went well. `mendel gc` does the rest.

    ``live`` are the ids of writers that are still at it.
    """
    from mendel.journal.seal import seal

    try:
        seal(run.store.journal_folder(run.id), live=live, budget_s=budget_s)
    except (MendelError, OSError):
        return False
    return True


def _unmark(run: RunLife) -> None:
    """Take the mark away where all that was written is sealed; else readers do, in time."""
    with contextlib.suppress(OSError):
        names = os.listdir(run.store.journal_folder(run.id))  # noqa: PTH208 - one call, no stat
        if not any(name.endswith(".mdj") for name in names):
            run.store.marker(run.id).unlink(missing_ok=True)


def _say(run: RunLife, end: dict[str, Value]) -> None:
    reason = end.get("reason")
    more = f" ({reason})" if reason else ""
    notice.say(f"run {run.name!r} {end['state']}{more} · mendel show {run.id}")


def _patience() -> float:
    text = os.environ.get(TIMEOUT, "")
    try:
        return max(0.0, float(text)) if text else PATIENCE
    except ValueError:
        return PATIENCE


def _name(fn: object) -> str:
    return str(getattr(fn, "__qualname__", fn))
