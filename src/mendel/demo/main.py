"""The command ``mendel demo``: sees that all is there, tells the story, shows what came of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mendel.demo import libraries
from mendel.graph import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.demo.screen import Screen
    from mendel.demo.story import Story
    from mendel.track.store import Store

_QUIET = "MENDEL_QUIET"


def run(
    screen: Screen,
    *,
    store: Store,
    fast: bool = False,
    again: bool = False,
    install: bool = True,
) -> None:
    """Run the demo in a store, or go on with one that was interrupted there.

    Args:
        screen: where it says what it does.
        store: where its runs are kept.
        fast: a twentieth of the flights and a tenth of the steps: seconds instead of a minute.
        again: begin anew, though a demo was finished or interrupted before.
        install: fetch missing libraries into a private environment within the store, and go on in
            there (this process is replaced).

    Raises:
        MissingLibraryError: libraries are missing, and may not or cannot be fetched.
        StateError: another process runs the demo in this store.
        KeyboardInterrupt: it was interrupted; the screen said how to go on.
    """
    lacking = libraries.missing()
    if lacking and not install:
        raise libraries.refuse(lacking)
    if lacking:
        libraries.enter(libraries.fetch(screen, store.root / "demo" / "venv"))
    from mendel.demo import flights, models, result
    from mendel.demo.story import Plan, Story, share
    from mendel.track.session import use_store

    library, why = models.booster()
    if why is not None:
        screen.warning(
            f"LightGBM cannot be loaded ({why}), so scikit-learn's boosted trees take its place. "
            "On Debian and Ubuntu it lacks libgomp1: apt-get install libgomp1"
        )
    plan = Plan(fast, library, flights.fingerprint(flights.files(), sample=share(fast=fast)))
    story = Story(plan, screen)
    begun = clock.monotonic()
    use_store(store)
    with _runs_begin_silently():
        _tell(story, screen, again=again)
        found = result.collect(story, store, seconds=clock.monotonic() - begun)
    if screen.as_json:
        screen.data(found.as_data())
    else:
        found.show(screen)


def _tell(story: Story, screen: Screen, *, again: bool) -> None:
    number = len(story.plan.recipes)
    screen.done(
        f"Which flights of 2013 came late? {number} models, about a minute. Ctrl-C stops it."
    )
    try:
        story.tell(again=again)
    except KeyboardInterrupt:
        screen.done(
            "\nInterrupted. What was logged is kept: `mendel runs` shows it. "
            "`mendel demo` goes on from here."
        )
        raise


@contextmanager
def _runs_begin_silently() -> Iterator[None]:
    """Keep the line that each beginning run says out of the progress bars."""
    before = os.environ.get(_QUIET)
    os.environ[_QUIET] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_QUIET, None)
        else:
            os.environ[_QUIET] = before
