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
    run.finish()


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


def picture(folder, key):
    """The first picture of a series, a second one of a hundredth of its steps."""
    import time

    import numpy as np

    from mendel.track.store import Store

    assert np
    catalog = Store.open(Path(folder), create=False).catalog
    (run,) = _runs(folder)
    last = run.series[key].last_step
    catalog.series([run.id], ["nothing"], buckets=1000)  # what is imported when first used
    begun = time.perf_counter()
    (whole,) = catalog.series([run.id], [key], buckets=1000)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    (part,) = catalog.series(
        [run.id], [key], buckets=1000, steps=(last // 2, last // 2 + last // 100)
    )
    zoom = time.perf_counter() - begun
    assert whole.total == last + 1
    return {"first_ms": first * 1e3, "zoom_ms": zoom * 1e3, "points": len(part.values)}


def ingest(folder, keys, calls):
    """A process logs and dies without a word; then its journal is taken in."""
    import os
    import time

    import mendel
    from mendel.track.store import Store

    for count in (100, calls):  # the first to warm up
        if os.fork() == 0:
            mendel.init(store=folder, experiment="bench", capture=False)
            run = mendel.start_run()
            for i in range(count):
                run.log({f"metric_{k}": 1 / (i + k + 1) for k in range(keys)}, i)
            os._exit(0)
        os.wait()
        store = Store.open(Path(folder))
        begun = time.process_time()
        store.refresh()
        seconds = time.process_time() - begun
        store.close()
    return {"points": calls * keys, "seconds": seconds}


# -- many runs --


def build_runs(folder, runs):
    """Take runs into a catalog as their journals would tell them, without writing the journals."""
    from mendel.graph import clock
    from mendel.graph.digest import START, Digest, Fact, Position, WriterInfo
    from mendel.track.store import Store

    store = Store.open(Path(folder))
    experiment = {"id": clock.new_id(), "name": "bench"}
    batch = []
    for params, metrics in runs:
        an_id, writer, now = clock.new_id(), clock.new_id(), clock.now()
        bodies = [
            ("run", {"id": an_id, "name": "r", "experiment": experiment, "created": now}),
            ("state", {"state": "RUNNING"}),
            ("params", {"set": params}),
            ("metrics", {"set": metrics}),
            ("state", {"state": "COMPLETE"}),
        ]
        facts = tuple(Fact(i, now + i / 1e3, kind, body) for i, (kind, body) in enumerate(bodies))
        info = WriterInfo(writer, an_id, "host", 1, None, None, now)
        end = Position(0, 4096, len(facts))
        batch.append(Digest(an_id, info, START, end, facts, closed=True, last_time=now))
        if len(batch) == 500:
            store.catalog.ingest(batch)
            batch = []
    store.catalog.ingest(batch)
    store.close()


def questions(folder):
    from mendel.catalog.contract import RunQuery
    from mendel.track.store import Store

    catalog = Store.open(Path(folder), create=False).catalog
    text = "metrics.auc > 0.5 and params.model = 'gbdt'"
    shown = ["name", "state", "params.model", "params.p01", "params.p02", "metrics.auc"]
    shown += ["metrics.loss", "metrics.m00", "metrics.m01", "metrics.m02"]

    def page():
        query = RunQuery(filter=text, order_by=("metrics.loss asc",), limit=50)
        ids = catalog.find_runs(query).ids
        assert len(catalog.columns(ids, shown)) == len(shown)

    def count():
        assert catalog.find_runs(RunQuery(filter="metrics.auc > 0.9", limit=1)).total

    def group():
        assert len(catalog.group(RunQuery(limit=None), ["params.model"], ["metrics.auc"])) == 5

    def key(name):
        catalog.find_runs(RunQuery(filter=f"metrics.{name} > 0", limit=1))

    return {"page": page, "count": count, "group": group, "key": key}


def frame(folder, count):
    import mendel

    mendel.init(store=folder)
    return mendel.get_experiment_df("bench").shape
