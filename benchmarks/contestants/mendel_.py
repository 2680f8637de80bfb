"""Mendel, as installed: everything on, as a user has it."""

from pathlib import Path

CALLS = 1_000_000
DURABLE = True
PACKAGE = "mendel"


def begin(folder):
    import mendel

    mendel.init(experiment="bench", store=folder)
    return mendel.start_run("bench")


def log(run):
    return run.log


def finish(run):
    run.end()


def count(folder):
    total = 0
    for run in _runs(folder):
        total += sum(s.count for s in run.series.values())
    return total


def lost(folder):
    """The points that runs say they could not keep."""
    return sum(run.lost_points for run in _runs(folder))


def _runs(folder):
    from mendel.catalog.contract import RunQuery
    from mendel.track.store import Store

    store = Store.open(Path(folder), create=False)
    store.refresh()
    page = store.catalog.find_runs(RunQuery(limit=None))
    found = store.catalog.get_runs(page.ids)
    return [found[an_id] for an_id in page.ids]


def read(folder, key):
    from mendel.track.store import Store

    runs = [run.id for run in _runs(folder)]
    (series, *_) = Store.open(Path(folder), create=False).catalog.series(runs, [key])
    return len(series.values)
