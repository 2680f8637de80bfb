"""Trackio: everything local, into its SQLite."""

import os
import sqlite3
from pathlib import Path

CALLS = 20_000
DURABLE = False
PACKAGE = "trackio"


def begin(folder):
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    name = f"bench-{os.getpid()}"
    return trackio.init(project="bench", name=name, embed=False, auto_log_gpu=False)


def log(run):
    import trackio

    def call(values, step):
        trackio.log(values, step=step)

    return call


def finish(run):
    import trackio

    trackio.finish()


def _rows(folder):
    for path in Path(folder).glob("*.db"):
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        if base.execute("SELECT 1 FROM sqlite_master WHERE name = 'metrics'").fetchone():
            yield from base.execute("SELECT step, timestamp, metrics FROM metrics")


def count(folder):
    import json

    return sum(len(json.loads(metrics)) for _, _, metrics in _rows(folder))


def read(folder, key):
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    runs = trackio.Api().runs("bench")
    return sum(
        len(SQLiteStorage.get_metric_values("bench", run.name, key, run_id=run.id)) for run in runs
    )
